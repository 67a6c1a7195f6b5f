// SPDX-License-Identifier: Apache-2.0
//
// The kernel's one timer queue, and its deadline as the host sees it.

#include "guest/task/timer.h"

#include "guest/arch/arch.h"
#include "guest/introspect/introspect.h"
#include "guest/lib/list.h"
#include "guest/lib/mutants.h"
#include "guest/lib/wait_queue.h"

namespace fv::guest {
namespace {

constinit TimerQueue g_timers;

// The host injects a tick once this TSC value has passed.
void PublishDeadline() {
  const Timer* earliest = g_timers.Earliest();
  Channel().timer_deadline_tsc = earliest == nullptr ? 0 : TscOfMonotonic(earliest->deadline_ns);
}

}  // namespace

void InitTimers() { Channel().timers = AddressOf(g_timers.root()); }

void ArmTimer(Timer& timer, uint64_t deadline_ns) {
  if (timer.armed) {
    g_timers.Remove(timer);
  }
  timer.deadline_ns = deadline_ns;
  g_timers.Insert(timer);
  PublishDeadline();
}

void CancelTimer(Timer& timer) {
  if (timer.armed) {
    g_timers.Remove(timer);
    if (!HasMutant(Mutant::kDeadlineUntold)) {
      PublishDeadline();
    }
  }
}

void ExpireTimers() {
  Timer* earliest = g_timers.Earliest();
  if (earliest == nullptr) {
    return;
  }
  const uint64_t now = MonotonicNs();
  bool fired = false;
  // A periodic timer re-arms itself after `now`, so this ends.
  while (earliest != nullptr && earliest->deadline_ns <= now) {
    g_timers.Remove(*earliest);
    earliest->fire(*earliest);
    fired = true;
    earliest = g_timers.Earliest();
  }
  if (fired) {
    PublishDeadline();
  }
}

uint64_t NextTimerNs() {
  const Timer* earliest = g_timers.Earliest();
  return earliest == nullptr ? kNoDeadline : earliest->deadline_ns;
}

}  // namespace fv::guest
