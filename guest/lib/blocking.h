// SPDX-License-Identifier: Apache-2.0
//
// Whether an operation may wait for others: kNo is O_NONBLOCK, MSG_DONTWAIT, IPC_NOWAIT...
#pragma once

#include <cstdint>

namespace fv::guest {

enum class Blocking : uint8_t { kYes, kNo };

constexpr Blocking BlockingUnless(bool nonblocking) {
  return nonblocking ? Blocking::kNo : Blocking::kYes;
}

}  // namespace fv::guest
