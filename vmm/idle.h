// SPDX-License-Identifier: Apache-2.0
//
// Waiting while the guest has nothing to run (DoorbellReason::kIdle): until its earliest timer,
// until console input comes, or until a signal.
#pragma once

#include <cstdint>
#include <span>

namespace fv::vmm {

enum class IdleEnd {
  kDeadline,   // the deadline passed
  kReadable,   // a descriptor became readable or hung up
  kSignal,     // a signal handler ran
  kNoReason,   // neither deadline nor descriptor: nothing can ever wake this wait; it returned at
               // once
};

inline constexpr uint64_t kNoDeadline = ~uint64_t{0};

// Waits at most `wait_ns` nanoseconds (kNoDeadline: for ever) for one of `fds` (at most 8) to
// become readable. Sub-millisecond precise (ppoll(2)).
IdleEnd WaitIdle(uint64_t wait_ns, std::span<const int> fds);

}  // namespace fv::vmm
