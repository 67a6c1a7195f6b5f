// SPDX-License-Identifier: Apache-2.0
//
// rseq(2): registering a thread's area for restartable sequences, and taking it back.

#include "guest/task/rseq.h"

#include <linux/rseq.h>

#include "guest/syscall/syscall.h"
#include "guest/task/task.h"
#include "proto/layout.h"

namespace fv::guest {
namespace {

constexpr uint32_t kRseqBytes = 32;  // of the first version; also its alignment

struct RseqCall {
  uint64_t area;
  uint32_t bytes;
  uint32_t signature;
};

Status Unregister(Task& task, const RseqCall& call) {
  if (task.rseq_area != call.area || task.rseq_area == 0 || call.bytes != task.rseq_bytes) {
    return Error(EINVAL);
  }
  if (call.signature != task.rseq_signature) {
    return Error(EPERM);
  }
  TRY(ResetRseqArea(task));
  task.rseq_area = 0;
  task.rseq_bytes = 0;
  task.rseq_signature = 0;
  task.rseq_interrupted = false;
  return Ok();
}

Status Register(Task& task, const RseqCall& call) {
  if (task.rseq_area != 0) {
    if (task.rseq_area != call.area || task.rseq_bytes != call.bytes) {
      return Error(EINVAL);
    }
    return Error(task.rseq_signature != call.signature ? EPERM : EBUSY);
  }
  if (call.bytes < kRseqBytes || call.area % kRseqBytes != 0) {
    return Error(EINVAL);
  }
  if (call.area >= proto::kUserEnd || call.bytes > proto::kUserEnd - call.area) {
    return Error(EFAULT);
  }
  TRY(InitRseqArea(task, call.area));
  task.rseq_area = call.area;
  task.rseq_bytes = call.bytes;
  task.rseq_signature = call.signature;
  return Ok();
}

}  // namespace

namespace sys {

// rseq(area, bytes, flags, signature)
Result<uint64_t> rseq(const SyscallArgs& args) {
  const RseqCall call{args.a[0], args.Uint(1), args.Uint(3)};
  const int flags = args.Int(2);
  if (flags != 0 && flags != RSEQ_FLAG_UNREGISTER) {
    return Error(EINVAL);
  }
  TRY(flags != 0 ? Unregister(args.task, call) : Register(args.task, call));
  return uint64_t{0};
}

}  // namespace sys
}  // namespace fv::guest
