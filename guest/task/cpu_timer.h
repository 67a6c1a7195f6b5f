// SPDX-License-Identifier: Apache-2.0
//
// CPU-time clocks of threads and processes (clock_gettime(2)), and what waits for them: POSIX
// timers and clock_nanosleep(2). They are looked at when a tick has charged the running task, so
// they end up to a tick late, as on Linux. A clock is named by its id: when the task is gone, so is
// the clock, and nothing that waits for it ends. Locking: one lock for the list.
#pragma once

#include <cstdint>

#include "guest/lib/result.h"
#include "proto/records.h"

namespace fv::guest {

class Task;

struct CpuClock {
  enum class Of : uint8_t { kThread, kProcess };
  uint32_t pid = 0;
  Of of = Of::kProcess;
};

// The clock that an id means to `caller`. Errors: EINVAL (no CPU-time clock, or nobody's).
Result<CpuClock> CpuClockOf(const Task& caller, int clock);
// Now, in ns. Errors: EINVAL (the task is gone).
Result<uint64_t> ReadCpuClock(const CpuClock& clock);

// An embedded timer. Must be cancelled before its memory goes.
struct CpuTimer {
  proto::Link link{0, 0};
  CpuClock clock;
  uint64_t deadline_ns = 0;
  void (*fire)(CpuTimer& timer) = nullptr;
};

// fire(timer) is called once, disarmed, at a tick at which the clock has reached deadline_ns.
// REQUIRES: not armed.
void ArmCpuTimer(CpuTimer& timer, uint64_t deadline_ns);
// Harmless when it is not armed.
void CancelCpuTimer(CpuTimer& timer);
// Somebody wants the tick.
bool CpuTimersArmed();
// At a tick: fires what is due.
void ExpireCpuTimers();

}  // namespace fv::guest
