// SPDX-License-Identifier: Apache-2.0
//
// Timeouts and signal masks of the poll and select families.
#pragma once

#include "guest/syscall/file_args.h"

namespace fv::guest {

// A deadline of the monotonic clock: 0 = do not wait, kNoDeadline = for ever.
struct PollTimeout {
  uint64_t deadline_ns = kNoDeadline;
  uint64_t address = 0;  // of the timespec or timeval that gets what is left; 0: none
};
enum class TimeUnit { kNanoseconds, kMicroseconds };
// Reads a struct timespec or timeval; address 0 waits for ever. Errors: EFAULT, EINVAL.
Result<PollTimeout> ReadTimeout(Mm& mm, uint64_t address, TimeUnit unit);
// Writes back what is left (ppoll, pselect6 and select do it; a bad address is ignored),
// unless the personality says STICKY_TIMEOUTS.
void WriteRemaining(Mm& mm, const PollTimeout& timeout, TimeUnit unit);
// `milliseconds` of poll(2) and epoll_wait(2); negative: for ever.
uint64_t DeadlineAfterMs(int milliseconds);
// Sets the temporary mask at `address` if it is not null. Errors: EINVAL (size), EFAULT.
Status BeginSignalMask(Mm& mm, uint64_t address, uint64_t bytes);
// Puts the old mask back, now or when the signal that ended the call was delivered. `address` as
// for BeginSignalMask: nothing was set if it is null.
void EndSignalMask(uint64_t address, const Result<uint64_t>& result);

}  // namespace fv::guest
