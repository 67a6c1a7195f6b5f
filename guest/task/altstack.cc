// SPDX-License-Identifier: Apache-2.0
//
// The alternate signal stack (sigaltstack(2)).

#include "guest/task/altstack.h"

#include "guest/task/signal_frame.h"
#include "guest/task/task.h"

namespace fv::guest {

Status SetAlternateStack(Task& task, const SigStack& wanted, uint64_t sp) {
  if (OnAlternateStack(task, sp)) {
    return Error(EPERM);
  }
  const int mode = wanted.flags & ~kSsAutoDisarm;
  if (mode != kSsDisable && mode != kSsOnStack && mode != 0) {
    return Error(EINVAL);
  }
  if (mode == kSsDisable) {
    task.altstack = SigStack{0, wanted.flags, 0, 0};
    return Ok();
  }
  if (wanted.size < kMinSigStackBytes) {
    return Error(ENOMEM);
  }
  task.altstack = SigStack{wanted.sp, wanted.flags & ~kSsOnStack, 0, wanted.size};
  return Ok();
}

void RestoreAlternateStack(Task& task, const SigStack& stack) {
  (void)SetAlternateStack(task, stack, task.frame().rsp).ok();
}

}  // namespace fv::guest
