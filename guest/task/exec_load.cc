// SPDX-License-Identifier: Apache-2.0
//
// Mapping the segments of an ELF file into a new address space.

#include <asm/resource.h>

#include "guest/fs/dentry.h"
#include "guest/fs/path.h"
#include "guest/lib/scope_guard.h"
#include "guest/mm/slab.h"
#include "guest/mm/user_copy.h"
#include "guest/task/exec.h"
#include "guest/task/task.h"
#include "proto/layout.h"

namespace fv::guest {
namespace {

constexpr uint64_t kPageMask = proto::kPageBytes - 1;
uint64_t PageDown(uint64_t value) { return value & ~kPageMask; }
uint64_t PageUp(uint64_t value) { return (value + kPageMask) & ~kPageMask; }

uint64_t VmFlagsOf(uint32_t segment_flags) {
  uint64_t flags = 0;
  flags |= (segment_flags & 4) != 0 ? proto::kVmRead : 0;
  flags |= (segment_flags & 2) != 0 ? proto::kVmWrite : 0;
  flags |= (segment_flags & 1) != 0 ? proto::kVmExec : 0;
  return flags;
}

Status MapAnonymous(Mm& mm, uint64_t start, uint64_t end, uint64_t flags) {
  if (start >= end) {
    return Ok();
  }
  MapRequest request;
  request.address = start;
  request.length = end - start;
  request.flags = flags;
  request.placement = MapPlacement::kFixed;
  TRY(mm.Map(request));
  return Ok();
}

void NoteAddresses(NewProgram& program, const ElfSegment& segment) {
  Mm& mm = *program.mm;
  const uint64_t start = segment.address + program.bias;
  if ((segment.flags & 1) != 0 && mm.start_code == 0) {
    mm.start_code = start;
    mm.end_code = start + segment.file_bytes;
  }
  if ((segment.flags & 2) != 0) {
    mm.start_data = start;
    mm.end_data = start + segment.file_bytes;
  }
}

}  // namespace

Status ReadElfPlan(File& file, ElfPlan& plan) {
  MemoryObject& object = ObjectOf(file);
  uint8_t header[kElfHeaderBytes];
  if (TRY(object.ReadKernel(0, header, sizeof(header))) != sizeof(header)) {
    return Error(ENOEXEC);
  }
  const ElfLayout layout = TRY(ParseElfHeader(header));
  const size_t bytes = layout.count * kElfProgramHeaderBytes;
  auto* headers = static_cast<uint8_t*>(KernelAllocate(bytes));
  if (headers == nullptr) {
    return Error(ENOMEM);
  }
  ScopeGuard free_headers([=] { KernelFree(headers, bytes); });
  if (TRY(object.ReadKernel(layout.offset, headers, bytes)) != bytes) {
    return Error(ENOEXEC);
  }
  return ParseElfSegments(header, headers, layout, proto::kMmapTop, plan);
}

// The file's part, then zeros: the rest of its last page and whole pages after it.
Status MapSegment(Mm& mm, File& file, const ElfSegment& segment, uint64_t bias) {
  const uint64_t flags = VmFlagsOf(segment.flags);
  const uint64_t address = segment.address + bias;
  const uint64_t file_end = address + segment.file_bytes;
  const uint64_t memory_end = address + segment.memory_bytes;
  if (segment.file_bytes == 0) {
    return MapAnonymous(mm, PageDown(address), PageUp(memory_end), flags);
  }
  MapRequest request;
  request.address = PageDown(address);
  request.length = PageUp(file_end) - PageDown(address);
  request.flags = flags;
  request.placement = MapPlacement::kFixed;
  request.object = Ref<MemoryObject>(ObjectOf(file));
  request.page_offset = segment.file_offset >> proto::kPageShift;
  request.source = &file.dentry();
  TRY(mm.Map(request));
  if (memory_end > file_end) {
    // A read-only segment with a partial page is left as the file has it, as on Linux.
    if ((flags & proto::kVmWrite) != 0 && (file_end & kPageMask) != 0) {
      if (!ZeroUser(mm, file_end, PageUp(file_end) - file_end).ok()) {
        const uint64_t in_file = segment.file_offset + segment.file_bytes;
        return Error(in_file > PageUp(ObjectOf(file).size()) ? EINVAL : ENOMEM);
      }
    }
    TRY(MapAnonymous(mm, PageUp(file_end), PageUp(memory_end), flags));
  }
  return Ok();
}

Status LoadElf(NewProgram& program) {
  TRY(ReadElfPlan(*program.file, program.plan));
  const ElfPlan& plan = program.plan;
  if (plan.position_independent) {
    const uint64_t base = (proto::kPieBase + plan.alignment - 1) & ~(plan.alignment - 1);
    program.bias = base - plan.start;
    if (plan.end - plan.start > proto::kMmapTop - base) {
      return Error(EINVAL);
    }
  }
  for (unsigned i = 0; i < plan.segment_count; ++i) {
    TRY(MapSegment(*program.mm, *program.file, plan.segments[i], program.bias));
    NoteAddresses(program, plan.segments[i]);
  }
  program.mm->start_brk = program.mm->brk = PageUp(plan.end + program.bias);
  return Ok();
}

}  // namespace fv::guest
