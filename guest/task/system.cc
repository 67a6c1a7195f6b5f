// SPDX-License-Identifier: Apache-2.0
//
// The names at boot.

#include "guest/task/system.h"

namespace fv::guest {
namespace {

// The release is that of the Linux whose behaviour this kernel follows (docs/syscalls.md); C
// libraries refuse to start below the one they were built for.
constinit const Utsname g_name = {
    "Linux",  "forkvisor", "6.18.0-forkvisor", "#1 SMP PREEMPT_DYNAMIC Forkvisor",
    "x86_64", "(none)",
};

}  // namespace

const Utsname& FirstSystemName() { return g_name; }

}  // namespace fv::guest
