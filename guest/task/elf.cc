// SPDX-License-Identifier: Apache-2.0
//
// Header first, then every program header, each field checked before the next one uses it; sums are
// made so that they cannot wrap.

#include "guest/task/elf.h"

#include <linux/elf.h>

#include "guest/lib/string.h"
#include "proto/layout.h"

namespace fv::guest {
namespace {

static_assert(sizeof(Elf64_Ehdr) == kElfHeaderBytes &&
              sizeof(Elf64_Phdr) == kElfProgramHeaderBytes);
constexpr uint64_t kPageMask = proto::kPageBytes - 1;

uint64_t RoundUp(uint64_t value) { return (value + kPageMask) & ~kPageMask; }

Elf64_Ehdr HeaderOf(const uint8_t* bytes) {
  Elf64_Ehdr header;
  memcpy(&header, bytes, sizeof(header));
  return header;
}

// One PT_LOAD: sizes, congruence, range.
Status CheckLoad(const Elf64_Phdr& segment, uint64_t user_end, const ElfPlan& plan) {
  constexpr uint64_t kMaxOffset = uint64_t{1} << 62;
  const bool sizes_ok = segment.p_filesz <= segment.p_memsz && segment.p_memsz <= user_end;
  const bool range_ok =
      segment.p_vaddr <= user_end && segment.p_memsz <= user_end - segment.p_vaddr;
  const bool offset_ok = segment.p_offset < kMaxOffset && segment.p_filesz < kMaxOffset &&
                         ((segment.p_offset ^ segment.p_vaddr) & kPageMask) == 0;
  if (!sizes_ok || !range_ok || !offset_ok) {
    return Error(EINVAL);
  }
  return plan.segment_count == kMaxLoadSegments ? Status(Error(ENOEXEC)) : Ok();
}

void AddSegment(const Elf64_Phdr& segment, const Elf64_Ehdr& header, ElfPlan& plan) {
  ElfSegment& to = plan.segments[plan.segment_count];
  to = {segment.p_offset, segment.p_vaddr, segment.p_filesz, segment.p_memsz, segment.p_flags};
  const uint64_t start = segment.p_vaddr & ~kPageMask;
  const uint64_t end = RoundUp(segment.p_vaddr + segment.p_memsz);
  plan.start = plan.segment_count == 0 || start < plan.start ? start : plan.start;
  plan.end = end > plan.end ? end : plan.end;
  constexpr uint64_t kLargestAlignment = uint64_t{1} << 40;  // a larger one finds no place
  if (segment.p_align > plan.alignment && segment.p_align <= kLargestAlignment &&
      (segment.p_align & (segment.p_align - 1)) == 0) {
    plan.alignment = segment.p_align;
  }
  const bool holds_headers =
      header.e_phoff >= segment.p_offset && header.e_phoff - segment.p_offset < segment.p_filesz;
  if (holds_headers) {
    plan.headers_address = segment.p_vaddr + (header.e_phoff - segment.p_offset);
  }
  ++plan.segment_count;
}

// The first PT_INTERP counts, as on Linux.
Status NoteInterpreter(const Elf64_Phdr& segment, ElfPlan& plan) {
  constexpr uint64_t kShortestPath = 2;
  if (plan.interpreter_bytes != 0) {
    return Ok();
  }
  if (segment.p_filesz < kShortestPath || segment.p_filesz > kMaxInterpreterBytes ||
      segment.p_offset >= uint64_t{1} << 62) {
    return Error(ENOEXEC);
  }
  plan.interpreter_offset = segment.p_offset;
  plan.interpreter_bytes = segment.p_filesz;
  return Ok();
}

}  // namespace

Result<ElfLayout> ParseElfHeader(const uint8_t* bytes) {
  const Elf64_Ehdr header = HeaderOf(bytes);
  // The machine decides: class, byte order and version in e_ident are not looked at.
  const bool is_elf = memcmp(header.e_ident, ELFMAG, SELFMAG) == 0;
  const bool can_run =
      header.e_machine == EM_X86_64 && (header.e_type == ET_EXEC || header.e_type == ET_DYN);
  const bool headers_ok = header.e_phentsize == sizeof(Elf64_Phdr) && header.e_phnum >= 1 &&
                          header.e_phnum <= kMaxProgramHeaders &&
                          header.e_phoff < uint64_t{1} << 62;
  if (!is_elf || !can_run || !headers_ok) {
    return Error(ENOEXEC);
  }
  return ElfLayout{header.e_phoff, header.e_phnum};
}

Status ParseElfSegments(const uint8_t* header_bytes, const uint8_t* program_headers,
                        ElfLayout layout, uint64_t user_end, ElfPlan& plan) {
  const Elf64_Ehdr header = HeaderOf(header_bytes);
  plan = ElfPlan{};
  plan.position_independent = header.e_type == ET_DYN;
  plan.alignment = proto::kPageBytes;
  plan.entry = header.e_entry;
  plan.header_count = layout.count;
  for (unsigned i = 0; i < layout.count; ++i) {
    Elf64_Phdr segment;
    memcpy(&segment, program_headers + i * sizeof(segment), sizeof(segment));
    if (segment.p_type == PT_INTERP) {
      TRY(NoteInterpreter(segment, plan));
    }
    if (segment.p_type == PT_GNU_STACK) {
      plan.executable_stack = (segment.p_flags & PF_X) != 0;
    }
    if (segment.p_type != PT_LOAD || segment.p_memsz == 0) {
      continue;
    }
    TRY(CheckLoad(segment, user_end, plan));
    AddSegment(segment, header, plan);
  }
  const bool entry_ok = plan.entry < user_end;
  const bool low_ok = plan.position_independent || plan.start >= proto::kUserStart;
  if (plan.segment_count == 0 || !entry_ok || !low_ok) {
    return Error(EINVAL);
  }
  return Ok();
}

}  // namespace fv::guest
