// SPDX-License-Identifier: Apache-2.0
//
// Waiting while the guest has nothing to run (DoorbellReason::kIdle): until its earliest timer,
// until a descriptor is readable, or until a signal. Machine::WaitIdle does it with the tick
// switched off and without losing a kick.
#pragma once

#include <csignal>
#include <cstddef>
#include <cstdint>
#include <span>

namespace fv::vmm {

enum class IdleEnd {
  kDeadline,  // the time is over
  kReadable,  // a descriptor became readable or hung up
  kSignal,    // a signal handler ran, or the machine was kicked
};

inline constexpr uint64_t kNoDeadline = ~uint64_t{0};
inline constexpr size_t kMaxIdleFds = 8;

// Waits at most `wait_ns` nanoseconds (kNoDeadline: for ever) for one of `fds` (at most
// kMaxIdleFds, negative ones ignored) to become readable. `mask`, if not null, is the signal mask
// during the wait (ppoll(2)). Throws VmmError if ppoll fails.
IdleEnd WaitIdle(uint64_t wait_ns, std::span<const int> fds, const sigset_t* mask = nullptr);

}  // namespace fv::vmm
