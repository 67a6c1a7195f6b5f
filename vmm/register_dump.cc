// SPDX-License-Identifier: Apache-2.0
//
// Registers as text, for the messages that end a run.
#include <cstdarg>
#include <cstdio>
#include <string>

#include "vmm/error.h"
#include "vmm/vcpu.h"

namespace fv::vmm {
namespace {

using ull = unsigned long long;

__attribute__((format(printf, 2, 3))) void Append(std::string& text, const char* format, ...) {
  char line[256];
  va_list arguments;
  va_start(arguments, format);
  std::vsnprintf(line, sizeof(line), format, arguments);
  va_end(arguments);
  text += line;
}

void AppendSegment(std::string& text, const char* name, const kvm_segment& segment) {
  Append(text, "  %-4s %04x base %016llx limit %08x type %x dpl %u%s%s%s\n", name,
         unsigned{segment.selector}, ull{segment.base}, segment.limit, unsigned{segment.type},
         unsigned{segment.dpl}, segment.present ? " present" : "", segment.l ? " 64-bit" : "",
         segment.unusable ? " unusable" : "");
}

}  // namespace

std::string Vcpu::DumpRegisters() const {
  std::string text;
  const kvm_regs r = regs();
  Append(text, "  rip %016llx rflags %016llx\n", ull{r.rip}, ull{r.rflags});
  Append(text, "  rax %016llx rbx %016llx rcx %016llx rdx %016llx\n", ull{r.rax}, ull{r.rbx},
         ull{r.rcx}, ull{r.rdx});
  Append(text, "  rsi %016llx rdi %016llx rbp %016llx rsp %016llx\n", ull{r.rsi}, ull{r.rdi},
         ull{r.rbp}, ull{r.rsp});
  Append(text, "  r8  %016llx r9  %016llx r10 %016llx r11 %016llx\n", ull{r.r8}, ull{r.r9},
         ull{r.r10}, ull{r.r11});
  Append(text, "  r12 %016llx r13 %016llx r14 %016llx r15 %016llx\n", ull{r.r12}, ull{r.r13},
         ull{r.r14}, ull{r.r15});
  try {
    const kvm_sregs s = sregs();
    Append(text, "  cr0 %016llx cr2 %016llx cr3 %016llx cr4 %016llx\n", ull{s.cr0}, ull{s.cr2},
           ull{s.cr3}, ull{s.cr4});
    Append(text, "  efer %016llx gdt %016llx/%04x idt %016llx/%04x\n", ull{s.efer}, ull{s.gdt.base},
           unsigned{s.gdt.limit}, ull{s.idt.base}, unsigned{s.idt.limit});
    AppendSegment(text, "cs", s.cs);
    AppendSegment(text, "ss", s.ss);
    AppendSegment(text, "fs", s.fs);
    AppendSegment(text, "gs", s.gs);
    AppendSegment(text, "tr", s.tr);
  } catch (const VmmError& error) {
    Append(text, "  (%s)\n", error.what());
  }
  return text;
}

}  // namespace fv::vmm
