// SPDX-License-Identifier: Apache-2.0
//
// ITIMER_REAL, which alarm(2) shares.
#pragma once

#include <cstdint>

#include "guest/task/signal.h"

namespace fv::guest {

// First expiry in `first_ns` from now (0: off), then every `interval_ns` (0: once).
void SetRealTimer(SignalStruct& signal, uint64_t first_ns, uint64_t interval_ns);
// Time until the next expiry, 0 if it is off.
uint64_t RealTimerLeft(const SignalStruct& signal);

}  // namespace fv::guest
