// SPDX-License-Identifier: Apache-2.0
//
// The tasks that a pair of arguments (which, who) means: getpriority(2), setpriority(2),
// ioprio_get(2), ioprio_set(2).
#pragma once

#include <cstdint>

#include "guest/task/pid.h"
#include "guest/task/task.h"

namespace fv::guest {

enum class SelectBy { kProcess, kGroup, kUser };  // kProcess: one thread

// `who` is a number in the caller's pid namespace, or a user's; 0 is the caller's own.
inline bool Selected(const Task& task, const Task& caller, SelectBy which, uint32_t who) {
  const PidNamespace& space = ActivePidNamespace(caller);
  switch (which) {
    case SelectBy::kProcess:
      return who == 0 ? &task == &caller : PidIn(task, space) == who;
    case SelectBy::kGroup:
      return who == 0 ? task.pgid == caller.pgid : PgidIn(task, space) == who;
    case SelectBy::kUser:  // those who can be seen from here
      return task.cred().uid == (who == 0 ? caller.cred().uid : who) && PidIn(task, space) != 0;
  }
  return false;
}

}  // namespace fv::guest
