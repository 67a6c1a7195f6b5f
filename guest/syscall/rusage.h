// SPDX-License-Identifier: Apache-2.0
//
// struct rusage (getrusage(2)) and the time structures that system calls exchange.
#pragma once

#include <cstdint>

#include "guest/lib/result.h"
#include "guest/task/signal.h"

namespace fv::guest {

inline constexpr uint64_t kNsPerSec = 1'000'000'000;
inline constexpr uint64_t kNsPerUsec = 1'000;
inline constexpr uint64_t kClockTickNs = 10'000'000;  // USER_HZ is 100

struct Timeval {
  int64_t seconds;
  int64_t microseconds;
};
struct Timespec {
  int64_t seconds;
  int64_t nanoseconds;
};

inline Timeval TimevalOf(uint64_t ns) {
  return {static_cast<int64_t>(ns / kNsPerSec), static_cast<int64_t>(ns % kNsPerSec / kNsPerUsec)};
}
inline Timespec TimespecOf(uint64_t ns) {
  return {static_cast<int64_t>(ns / kNsPerSec), static_cast<int64_t>(ns % kNsPerSec)};
}
// Far-off times saturate below kNoDeadline, as Linux's ktime does. Errors: EINVAL.
inline Result<uint64_t> NsOf(const Timespec& time) {
  constexpr int64_t kMaxSeconds = INT64_MAX / static_cast<int64_t>(kNsPerSec);
  if (time.seconds < 0 || time.nanoseconds < 0 ||
      time.nanoseconds >= static_cast<int64_t>(kNsPerSec)) {
    return Error(EINVAL);
  }
  if (time.seconds >= kMaxSeconds) {
    return static_cast<uint64_t>(INT64_MAX);
  }
  return static_cast<uint64_t>(time.seconds) * kNsPerSec + static_cast<uint64_t>(time.nanoseconds);
}
inline Result<uint64_t> NsOf(const Timeval& time) {
  if (time.seconds < 0 || time.microseconds < 0 || time.microseconds >= 1'000'000) {
    return Error(EINVAL);
  }
  return NsOf(Timespec{time.seconds, time.microseconds * 1000});
}

struct Rusage {
  Timeval user;
  Timeval system;
  int64_t max_rss_kib;
  int64_t shared_text, unshared_data, unshared_stack;
  int64_t minor_faults, major_faults, swaps;
  int64_t blocks_in, blocks_out, messages_sent, messages_received, signals;
  int64_t voluntary_switches, involuntary_switches;
};
static_assert(sizeof(Rusage) == 144);

inline Rusage RusageOf(const TaskTimes& times) {
  constexpr int64_t kKibPerPage = 4;
  Rusage usage{};
  usage.user = TimevalOf(times.utime_ns);
  usage.system = TimevalOf(times.stime_ns);
  usage.max_rss_kib = static_cast<int64_t>(times.max_rss_pages) * kKibPerPage;
  usage.minor_faults = static_cast<int64_t>(times.minor_faults);
  usage.major_faults = static_cast<int64_t>(times.major_faults);
  usage.voluntary_switches = static_cast<int64_t>(times.voluntary_switches);
  usage.involuntary_switches = static_cast<int64_t>(times.involuntary_switches);
  return usage;
}

}  // namespace fv::guest
