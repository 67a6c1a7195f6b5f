// SPDX-License-Identifier: Apache-2.0
//
// Who goes when memory runs out (Linux: mm/oom_kill.c; proc(5), oom_score and oom_score_adj): the
// process with the most pages, its own and its page tables', after its oom_score_adj was added in
// thousandths of all memory. -1000 exempts. All processes that share the address space go with it.
#pragma once

#include <cstdint>

namespace fv::guest {

class Task;

inline constexpr int32_t kOomScoreAdjMin = -1000;
inline constexpr int32_t kOomScoreAdjMax = 1000;

// In pages; may be negative. kNeverKilled for who is exempt or has no memory.
inline constexpr int64_t kNeverKilled = INT64_MIN;
int64_t OomBadness(Task& process);
// What /proc/PID/oom_score shows: 0 to 2000.
uint32_t OomScore(Task& process);

// The current task's fault found no memory and RelieveMemory could not help. Returns for another
// try if there are frames after all, waits until somebody who was killed is gone, or ends the
// current task.
void WaitForMemory(Task& task);
// A victim's memory and files are gone.
void WakeWaitersForMemory();

}  // namespace fv::guest
