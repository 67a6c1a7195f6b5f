// SPDX-License-Identifier: Apache-2.0
//
// ppoll(2).
#include "vmm/idle.h"

#include <poll.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "vmm/error.h"

namespace fv::vmm {

IdleEnd WaitIdle(uint64_t wait_ns, std::span<const int> fds, const sigset_t* mask) {
  constexpr uint64_t kNsPerSecond = 1'000'000'000;
  std::array<pollfd, kMaxIdleFds> polled{};
  const size_t count = std::min(fds.size(), polled.size());
  for (size_t i = 0; i < count; ++i) polled[i] = {fds[i], POLLIN, 0};
  timespec wait{};
  wait.tv_sec = static_cast<time_t>(wait_ns / kNsPerSecond);
  wait.tv_nsec = static_cast<long>(wait_ns % kNsPerSecond);
  const int ready = ::ppoll(polled.data(), count, wait_ns == kNoDeadline ? nullptr : &wait, mask);
  if (ready > 0) return IdleEnd::kReadable;
  if (ready == 0) return IdleEnd::kDeadline;
  if (errno == EINTR) return IdleEnd::kSignal;
  ThrowErrno("ppoll", errno);
}

}  // namespace fv::vmm
