// SPDX-License-Identifier: Apache-2.0
//
// Waiting for children: the common part of wait4(2) and waitid(2).
#pragma once

#include <cstdint>

#include "guest/lib/result.h"
#include "guest/task/signal.h"

namespace fv::guest {

enum class WaitFor { kAny, kPid, kGroup };

enum WaitOption : uint32_t {  // <linux/wait.h>
  kWnohang = 1,
  kWstopped = 2,  // WUNTRACED
  kWexited = 4,
  kWcontinued = 8,
  kWnowait = 0x01000000,
  kWnothread = 0x20000000,
  kWall = 0x40000000,
  kWclone = 0x80000000,
};

struct WaitRequest {
  WaitFor whom = WaitFor::kAny;
  uint32_t id = 0;  // number in the initial pid namespace; 0: nobody's
  uint32_t options = 0;
};

struct WaitOutcome {
  uint32_t pid = 0;  // as the caller sees it; 0: nothing to report (WNOHANG)
  uint32_t uid = 0;
  uint32_t status = 0;  // as wait4 reports it
  SigChldCode code = kCldExited;
  TaskTimes times;  // of the child and the children that it waited for
  // waitid's si_status.
  int32_t detail() const;
};

// `child` has news: wakes those who sleep in WaitForChild for it, by what it is at this moment. Who
// waits for others sleeps on, even if there are none any more. (Linux: child_wait_callback.)
void WakeWaitersFor(Task& child);

// Errors: ECHILD, kErestartSys.
Result<WaitOutcome> WaitForChild(const WaitRequest& request);

}  // namespace fv::guest
