// SPDX-License-Identifier: Apache-2.0
//
// Waiting with a socket's time-out (socket(7), SO_RCVTIMEO).
#pragma once

#include <cstdint>

#include "guest/arch/arch.h"
#include "guest/lib/result.h"
#include "guest/lib/wait_queue.h"

namespace fv::guest {

// Sleeps until `condition()` holds, at most `timeout_ns`; kNoDeadline: for ever. Errors: EAGAIN
// (the time is over); a signal is kErestartSys, with a time-out EINTR.
template <typename Condition>
Status WaitOnSocket(WaitQueue& queue, uint64_t timeout_ns, Condition condition) {
  if (timeout_ns == kNoDeadline) {
    return WaitUntil(queue, kNoDeadline, condition);
  }
  const Status status = WaitUntil(queue, MonotonicNs() + timeout_ns, condition);
  return status.ok() ? status : Error(status.error().number() == ETIMEDOUT ? EAGAIN : EINTR);
}

}  // namespace fv::guest
