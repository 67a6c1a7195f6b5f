// SPDX-License-Identifier: Apache-2.0
//
// Priorities as Linux numbers them: 0 to 98 are real time (99 - rt_priority), 100 to 139 come from
// the nice value; the smaller number runs first. A task that holds a priority-inheritance futex has
// at least the priority of those who wait for it (Task::inherited_priority, guest/ipc/futex_pi.cc).
#pragma once

#include "guest/task/task.h"

namespace fv::guest {

inline constexpr int kMaxRealtimePriority = 99;
inline constexpr int kFirstNormalPriority = 100;
inline constexpr int kDefaultPriority = 120;

inline bool HasRealtimePolicy(const Task& task) {
  return task.policy == SchedPolicy::kFifo || task.policy == SchedPolicy::kRr;
}

// By policy and nice value alone.
inline int NormalPriority(const Task& task) {
  return HasRealtimePolicy(task) ? kMaxRealtimePriority - task.rt_priority
                                 : kDefaultPriority + task.nice;
}

// As the scheduler sees it.
inline int Priority(const Task& task) {
  const int normal = NormalPriority(task);
  return normal < task.inherited_priority ? normal : task.inherited_priority;
}

// How late the task's timers may be, in ns; 0: by its default. Real time has no slack; also called
// when the policy has changed. (Linux: PR_SET_TIMERSLACK of prctl(2), __setscheduler_params.)
inline void SetTimerSlack(Task& task, uint64_t ns) {
  const uint64_t slack = ns == 0 ? task.default_timer_slack_ns : ns;
  task.timer_slack_ns = HasRealtimePolicy(task) ? 0 : slack;
}

inline bool RunsRealtime(const Task& task) { return Priority(task) < kFirstNormalPriority; }

// In queues of futex waiters real time comes first by priority; all others are equals.
inline int WaitPriority(const Task& task) {
  const int priority = Priority(task);
  return priority < kFirstNormalPriority ? priority : kDefaultPriority;
}

}  // namespace fv::guest
