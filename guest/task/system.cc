// SPDX-License-Identifier: Apache-2.0
//
// The names at boot.

#include "guest/task/system.h"

#include <linux/personality.h>

#include "guest/lib/string.h"

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

Utsname NameSeenWith(uint32_t personality, const Utsname& name) {
  constexpr char kOldRelease[] = "2.6.78-forkvisor";  // 60 more than the second number
  Utsname seen = name;
  if ((personality & UNAME26) != 0) {
    memcpy(seen.release, kOldRelease, sizeof(kOldRelease));
  }
  if ((personality & PER_MASK) == PER_LINUX32) {
    memcpy(seen.machine, "i686", sizeof("i686"));
  }
  return seen;
}

}  // namespace fv::guest
