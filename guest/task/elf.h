// SPDX-License-Identifier: Apache-2.0
//
// What exec needs to know of an ELF file: which segments go where. Pure validation of bytes that
// anybody may have written: everything a segment says is checked before anything is mapped. Errors
// are of two kinds: ENOEXEC, this is no program; EINVAL, it is one that Linux finds broken when it
// maps the segments, with the old program gone. Unit tested with a table of bad files.
// Source: System V ABI, chapters 4 and 5; elf(5).
#pragma once

#include <cstddef>
#include <cstdint>

#include "guest/lib/result.h"

namespace fv::guest {

inline constexpr size_t kElfHeaderBytes = 64;
inline constexpr size_t kElfProgramHeaderBytes = 56;
inline constexpr unsigned kMaxProgramHeaders = 65536 / kElfProgramHeaderBytes;
inline constexpr unsigned kMaxLoadSegments = 32;
inline constexpr uint64_t kMaxInterpreterBytes = 4096;  // PATH_MAX, the NUL included

struct ElfSegment {
  uint64_t file_offset;  // bytes; congruent to `address` modulo the page size
  uint64_t address;      // before the load bias
  uint64_t file_bytes;
  uint64_t memory_bytes;  // >= file_bytes; the rest is zero
  uint32_t flags;         // PF_R 4, PF_W 2, PF_X 1
};

struct ElfPlan {
  ElfSegment segments[kMaxLoadSegments];
  unsigned segment_count;
  bool position_independent;  // ET_DYN: needs a load bias
  bool executable_stack;      // PT_GNU_STACK asks for it
  uint64_t entry;             // before the bias
  uint64_t headers_address;   // of the program headers in memory, before the bias; 0: not mapped
  uint64_t start, end;        // page-rounded span of all segments, before the bias
  uint64_t alignment;         // largest p_align of a segment
  unsigned header_count;
  uint64_t interpreter_offset;  // PT_INTERP in the file: a NUL-terminated path
  uint64_t interpreter_bytes;   // 0: the program needs no dynamic linker
};

struct ElfLayout {  // where the program headers are, from the ELF header
  uint64_t offset;
  unsigned count;
};

// Checks the ELF header (kElfHeaderBytes). Errors: ENOEXEC.
Result<ElfLayout> ParseElfHeader(const uint8_t* header);
// Checks the program headers (layout.count of them) and makes the plan. `user_end`: one past the
// last address a program may have. Segments are mapped in their order, the later over the earlier.
// Errors: ENOEXEC, EINVAL.
Status ParseElfSegments(const uint8_t* header, const uint8_t* program_headers, ElfLayout layout,
                        uint64_t user_end, ElfPlan& plan);

}  // namespace fv::guest
