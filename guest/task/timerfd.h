// SPDX-License-Identifier: Apache-2.0
//
// timerfd(2): a timer that is read as a file.
#pragma once

#include <cstdint>

#include "guest/fs/file.h"
#include "guest/lib/result.h"

namespace fv::guest {

// Nanoseconds; value 0: disarmed.
struct TimerfdSetting {
  uint64_t interval_ns = 0;
  uint64_t value_ns = 0;
};

// The ids of clock_gettime(2). Without suspend, boot time is monotonic time.
enum class TimerfdClock : int32_t { kRealtime = 0, kMonotonic = 1, kBoottime = 7 };
enum class TimerfdStart : uint8_t { kRelative, kAbsolute };  // as TFD_TIMER_ABSTIME

// Errors: ENOMEM.
Result<Ref<File>> MakeTimerfd(TimerfdClock clock, uint32_t flags);
// Sets the timer; returns what was set before, its value as the time left.
// Errors: EINVAL (no timerfd).
Result<TimerfdSetting> SetTimerfd(File& file, const TimerfdSetting& setting, TimerfdStart start);
Result<TimerfdSetting> GetTimerfd(File& file);

}  // namespace fv::guest
