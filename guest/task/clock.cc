// SPDX-License-Identifier: Apache-2.0
//
// Which clock is which; time itself is read in guest/arch.

#include "guest/task/clock.h"

#include "guest/arch/arch.h"
#include "guest/task/cpu_timer.h"

namespace fv::guest {
namespace {

enum Clock : int {
  kRealtime = 0,
  kMonotonic = 1,
  kMonotonicRaw = 4,
  kRealtimeCoarse = 5,
  kMonotonicCoarse = 6,
  kBoottime = 7,
  kRealtimeAlarm = 8,
  kBoottimeAlarm = 9,
  kTai = 11,
};

constexpr uint64_t kCoarseNs = 4'000'000;

}  // namespace

Result<uint64_t> ReadClock(Task& caller, int clock) {
  switch (clock) {
    case kRealtime:
    case kRealtimeCoarse:
    case kRealtimeAlarm:
    case kTai:
      return RealtimeNs();
    case kMonotonic:
    case kMonotonicRaw:
    case kMonotonicCoarse:
    case kBoottime:
    case kBoottimeAlarm:
      return MonotonicNs();
    default: {
      const CpuClock cpu = TRY(CpuClockOf(caller, clock));
      return ReadCpuClock(cpu);
    }
  }
}

Result<uint64_t> ClockResolution(Task& caller, int clock) {
  TRY(ReadClock(caller, clock));
  return clock == kRealtimeCoarse || clock == kMonotonicCoarse ? kCoarseNs : uint64_t{1};
}

Status CheckSleepClock(int clock) {
  switch (clock) {
    case kRealtime:
    case kMonotonic:
    case kBoottime:
    case kRealtimeAlarm:
    case kBoottimeAlarm:
    case kTai:
      return Ok();
    case kMonotonicRaw:
    case kRealtimeCoarse:
    case kMonotonicCoarse:
      return Error(EOPNOTSUPP);
    default:
      return Error(EINVAL);
  }
}

uint64_t MonotonicOf(int clock, uint64_t ns) {
  const bool wall = clock == kRealtime || clock == kRealtimeAlarm || clock == kTai;
  if (!wall) {
    return ns;
  }
  const uint64_t offset = RealtimeNs() - MonotonicNs();
  return ns > offset ? ns - offset : 0;
}

}  // namespace fv::guest
