// SPDX-License-Identifier: Apache-2.0
//
// The clocks of clock_gettime(2). Wall time is the monotonic clock plus a constant: nobody sets it.
#pragma once

#include <cstdint>

#include "guest/lib/result.h"

namespace fv::guest {

class Task;

inline constexpr int kClockRealtime = 0;

// Now, in ns. Errors: EINVAL.
Result<uint64_t> ReadClock(Task& caller, int clock);
Result<uint64_t> ClockResolution(Task& caller, int clock);
// Whether clock_nanosleep and timers can wait for `clock`; not for CPU-time clocks (cpu_timer.h).
// Errors: EINVAL, EOPNOTSUPP.
Status CheckSleepClock(int clock);
// The monotonic time at which `clock` shows `ns`.
uint64_t MonotonicOf(int clock, uint64_t ns);

}  // namespace fv::guest
