// SPDX-License-Identifier: Apache-2.0
//
// The dynamic linker of a program that is not static (PT_INTERP; System V ABI, chapter 5): mapped
// where the address space has room, started in the program's place, told of it by AT_BASE, AT_PHDR
// and AT_ENTRY.

#include <linux/fcntl.h>

#include "guest/fs/path.h"
#include "guest/lib/scope_guard.h"
#include "guest/mm/mm.h"
#include "guest/mm/slab.h"
#include "guest/task/exec.h"
#include "guest/task/task.h"

namespace fv::guest {
namespace {

Result<Ref<File>> OpenInterpreter(Task& task, NewProgram& program) {
  const size_t bytes = program.plan.interpreter_bytes;
  auto* path = static_cast<char*>(KernelAllocate(bytes));
  if (path == nullptr) {
    return Error(ENOMEM);
  }
  ScopeGuard free_path([=] { KernelFree(path, bytes); });
  const uint64_t offset = program.plan.interpreter_offset;
  if (TRY(ObjectOf(*program.file).ReadKernel(offset, path, bytes)) != bytes ||
      path[bytes - 1] != '\0') {
    return Error(ENOEXEC);
  }
  const PathCaller caller{task.fs(), task.cred(), task.files_or_null()};
  return OpenForExec(caller, AT_FDCWD, path, kLookupFollow);
}

// Room for the whole span: mapped without access, then covered segment by segment.
Result<uint64_t> ReserveSpan(Mm& mm, const ElfPlan& plan) {
  MapRequest request;
  request.address = plan.position_independent ? 0 : plan.start;
  request.length = plan.end - plan.start;
  request.flags = 0;
  request.placement =
      plan.position_independent ? MapPlacement::kHint : MapPlacement::kFixedNoReplace;
  return mm.Map(request);
}

}  // namespace

Status LoadInterpreter(Task& task, NewProgram& program) {
  if (program.plan.interpreter_bytes == 0) {
    return Ok();
  }
  Ref<File> file = TRY(OpenInterpreter(task, program));
  ElfPlan plan;
  if (ObjectOf(*file).size() < kElfHeaderBytes) {
    return Error(EIO);
  }
  if (Status read = ReadElfPlan(*file, plan); !read.ok()) {
    return read.error() == Error(ENOEXEC) ? Error(ELIBBAD) : read.error();
  }
  const uint64_t bias = TRY(ReserveSpan(*program.mm, plan)) - plan.start;
  for (unsigned i = 0; i < plan.segment_count; ++i) {
    TRY(MapSegment(*program.mm, *file, plan.segments[i], bias));
  }
  program.interpreter_bias = bias;
  program.interpreter_entry = plan.entry + bias;
  return Ok();
}

}  // namespace fv::guest
