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

// By policy and nice value alone.
inline int NormalPriority(const Task& task) {
  const bool realtime = task.policy == SchedPolicy::kFifo || task.policy == SchedPolicy::kRr;
  return realtime ? kMaxRealtimePriority - task.rt_priority : kDefaultPriority + task.nice;
}

// As the scheduler sees it.
inline int Priority(const Task& task) {
  const int normal = NormalPriority(task);
  return normal < task.inherited_priority ? normal : task.inherited_priority;
}

inline bool RunsRealtime(const Task& task) { return Priority(task) < kFirstNormalPriority; }

// In queues of futex waiters real time comes first by priority; all others are equals.
inline int WaitPriority(const Task& task) {
  const int priority = Priority(task);
  return priority < kFirstNormalPriority ? priority : kDefaultPriority;
}

}  // namespace fv::guest
