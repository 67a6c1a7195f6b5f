// SPDX-License-Identifier: Apache-2.0
//
// Inspects the built guest kernel: it must be loadable by copying segments (no relocations, no
// constructors), at the addresses of proto/layout.h, with no writable and executable segment, and
// without a vector or x87 instruction. The file comes as the program's argument.
#include <gtest/gtest.h>

#include <cstdio>
#include <memory>
#include <set>
#include <string>

#include "proto/layout.h"
#include "tests/disassembly.h"
#include "tests/elf_image.h"

namespace fv::tests {
namespace {

std::string kernel_path;  // set once by main

class KernelElf : public testing::Test {
 protected:
  const ElfImage kernel_{kernel_path};
};

uint64_t RoundUpToPage(uint64_t value) {
  return (value + proto::kPageBytes - 1) & ~(proto::kPageBytes - 1);
}

TEST_F(KernelElf, IsAStaticExecutableForX86) {
  EXPECT_EQ(kernel_.Header().e_ident[EI_CLASS], ELFCLASS64);
  EXPECT_EQ(kernel_.Header().e_machine, EM_X86_64);
  EXPECT_EQ(kernel_.Header().e_type, ET_EXEC);
  for (const Elf64_Phdr& segment : kernel_.Segments()) {
    EXPECT_NE(segment.p_type, PT_DYNAMIC);
    EXPECT_NE(segment.p_type, PT_INTERP);
    EXPECT_NE(segment.p_type, PT_TLS);
  }
}

TEST_F(KernelElf, HasNoRelocationsAndNoConstructors) {
  const std::set<std::string> constructors = {".init_array", ".ctors", ".preinit_array", ".init"};
  for (const Section& section : kernel_.Sections()) {
    EXPECT_NE(section.header.sh_type, SHT_REL) << section.name;
    EXPECT_NE(section.header.sh_type, SHT_RELA) << section.name;
    if (section.header.sh_size == 0) continue;
    EXPECT_EQ(constructors.count(section.name), 0u) << section.name;
    EXPECT_NE(section.header.sh_type, SHT_INIT_ARRAY) << section.name;
  }
}

TEST_F(KernelElf, NoSegmentIsWritableAndExecutable) {
  ASSERT_FALSE(kernel_.Loads().empty());
  for (const Elf64_Phdr& segment : kernel_.Segments()) {
    EXPECT_NE(segment.p_flags & (PF_W | PF_X), unsigned{PF_W | PF_X})
        << std::hex << segment.p_vaddr << ": includes a stack segment (PT_GNU_STACK)";
  }
}

// A page has one set of permissions, so no page may belong to two segments.
TEST_F(KernelElf, SegmentsArePagedAndDisjoint) {
  uint64_t end = 0;
  for (const Elf64_Phdr& segment : kernel_.Loads()) {
    EXPECT_EQ(segment.p_vaddr % proto::kPageBytes, 0u) << std::hex << segment.p_vaddr;
    EXPECT_GE(segment.p_vaddr, end) << std::hex << segment.p_vaddr;
    EXPECT_LE(segment.p_filesz, segment.p_memsz) << std::hex << segment.p_vaddr;
    end = RoundUpToPage(segment.p_vaddr + segment.p_memsz);
  }
}

TEST_F(KernelElf, StandsWhereTheLayoutSays) {
  const auto loads = kernel_.Loads();
  ASSERT_FALSE(loads.empty());
  EXPECT_EQ(loads.front().p_vaddr, proto::DirectMap(proto::kImagePhys));
  for (const Elf64_Phdr& segment : loads) {
    EXPECT_EQ(segment.p_paddr, proto::PhysOfDirectMap(segment.p_vaddr));
    // The smallest machine holds the image and has most of its RAM left.
    EXPECT_LT(segment.p_paddr + segment.p_memsz, proto::kMinRamBytes / 4);
  }
}

TEST_F(KernelElf, TheStubsPagesHaveTheirPermissions) {
  struct Page {
    uint64_t phys;
    bool executable;
  };
  for (const Page page : {Page{proto::kStubTextPhys, true}, Page{proto::kStubGdtPhys, false},
                          Page{proto::kStubIdtPhys, false}, Page{proto::kStubDataPhys, false}}) {
    bool found = false;
    for (const Elf64_Phdr& segment : kernel_.Loads()) {
      const uint64_t start = segment.p_paddr;
      if (page.phys < start || page.phys >= RoundUpToPage(start + segment.p_memsz)) continue;
      found = true;
      EXPECT_EQ((segment.p_flags & PF_X) != 0, page.executable) << std::hex << page.phys;
    }
    EXPECT_TRUE(found) << "no segment holds the stub's page at " << std::hex << page.phys;
  }
}

TEST_F(KernelElf, EntersItsOwnText) {
  const uint64_t entry = kernel_.Header().e_entry;
  EXPECT_GE(entry, proto::DirectMap(proto::kStubEndPhys)) << "the stub is for traps only";
  bool executable = false;
  for (const Elf64_Phdr& segment : kernel_.Loads()) {
    const bool inside = entry >= segment.p_vaddr && entry < segment.p_vaddr + segment.p_filesz;
    executable |= inside && (segment.p_flags & PF_X) != 0;
  }
  EXPECT_TRUE(executable) << std::hex << entry;
}

TEST_F(KernelElf, TouchesNoVectorOrFloatingPointRegister) {
  const std::string command = "objdump -d --no-show-raw-insn --wide '" + kernel_path + "'";
  std::unique_ptr<FILE, int (*)(FILE*)> pipe(popen(command.c_str(), "r"), pclose);
  ASSERT_NE(pipe, nullptr);
  char line[1024];
  std::string symbol;
  unsigned instructions = 0;
  while (fgets(line, sizeof line, pipe.get()) != nullptr) {
    const std::string text(line);
    if (text.find(">:") != std::string::npos) symbol = text;
    instructions += text.find(":\t") != std::string::npos;
    const auto reason = ForbiddenInstruction(text);
    EXPECT_FALSE(reason.has_value()) << *reason << "\n" << symbol << text;
  }
  EXPECT_EQ(pclose(pipe.release()), 0) << command;
  EXPECT_GT(instructions, 1000u) << "objdump showed hardly any code; is it a kernel?";
}

// The judge is judged: it sees what it must and spares what it must.
TEST(Disassembly, TellsForbiddenInstructions) {
  for (const char* line : {"  10:\tmovaps %xmm0,(%rdi)", "  10:\tvmovdqu (%rsi),%ymm12",
                           "  10:\tfldt   (%rsp)", "  10:\tfld1", "  10:\tpxor   %mm1,%mm2",
                           "  10:\tfadd   %st(1),%st", "  10:\tkmovb  %k1,%eax",
                           "  10:\tvzeroupper", "  10:\tcvtsi2sd %rax,%xmm3", "  10:\t(bad)"}) {
    EXPECT_TRUE(ForbiddenInstruction(line).has_value()) << line;
  }
  for (const char* line :
       {"  10:\tmov    %rax,%rbx", "  10:\tcall   1234 <fld_xmm0>", "  10:\txsave64 (%rdi)",
        "  10:\tfxrstor64 (%rdi)", "  10:\tlea 0x10(%rip),%rax        # 30 <xmm1>",
        "0000000000000010 <fadd>:", "", "  10:\tlock cmpxchg %rdx,(%rdi)", "  10:\trep movsb"}) {
    EXPECT_FALSE(ForbiddenInstruction(line).has_value()) << line;
  }
}

}  // namespace
}  // namespace fv::tests

int main(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  if (argc != 2) {
    fprintf(stderr, "usage: kernel_elf_test KERNEL.ELF\n");
    return 2;
  }
  fv::tests::kernel_path = argv[1];
  return RUN_ALL_TESTS();
}
