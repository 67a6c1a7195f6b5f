// SPDX-License-Identifier: Apache-2.0
//
// The combinations that all four calls refuse, then what clone3 alone has in its structure.

#include "guest/task/clone_args.h"

#include "guest/task/signal_abi.h"
#include "proto/layout.h"

namespace fv::guest {
namespace {

bool Has(uint64_t flags, uint64_t all) { return (flags & all) == all; }

}  // namespace

Status CheckCloneFlags(uint64_t flags, ParentKind parent) {
  const bool bad = Has(flags, kCloneNewNs | kCloneFs) || Has(flags, kCloneNewUser | kCloneFs) ||
                   (Has(flags, kCloneThread) && !Has(flags, kCloneSighand)) ||
                   (Has(flags, kCloneSighand) && !Has(flags, kCloneVm)) ||
                   (Has(flags, kCloneParent) && parent == ParentKind::kUnkillable) ||
                   (Has(flags, kCloneThread) && (flags & (kCloneNewUser | kCloneNewPid)) != 0) ||
                   Has(flags, kClonePidfd | kCloneDetached) ||
                   Has(flags, kCloneSighand | kCloneClearSighand) ||
                   Has(flags, kCloneNewIpc | kCloneSysvsem);
  return bad ? Status(Error(EINVAL)) : Ok();
}

Result<CloneArgs> FromClone3(const Clone3Args& user) {
  constexpr uint64_t kKnown = 0x3FFFFFFFFu & ~(kCsignal & ~kCloneNewTime);
  if ((user.flags & ~kKnown) != 0 || (user.flags & kCloneDetached) != 0) {
    return Error(EINVAL);
  }
  const bool no_signal_allowed = (user.flags & (kCloneThread | kCloneParent)) != 0;
  if (user.exit_signal > kSignalCount || (no_signal_allowed && user.exit_signal != 0)) {
    return Error(EINVAL);
  }
  if ((user.stack == 0) != (user.stack_size == 0)) {
    return Error(EINVAL);
  }
  if (user.stack > proto::kUserEnd || user.stack_size > proto::kUserEnd - user.stack) {
    return Error(EINVAL);
  }
  if ((user.flags & kCloneIntoCgroup) != 0 && user.cgroup > INT32_MAX) {
    return Error(EINVAL);
  }
  if (Has(user.flags, kClonePidfd | kCloneParentSetTid) && user.pidfd == user.parent_tid) {
    return Error(EINVAL);
  }
  CloneArgs args;
  args.flags = user.flags;
  args.pidfd = user.pidfd;
  args.child_tid = user.child_tid;
  args.parent_tid = user.parent_tid;
  args.exit_signal = user.exit_signal;
  args.stack = user.stack == 0 ? 0 : user.stack + user.stack_size;
  args.tls = user.tls;
  return args;
}

}  // namespace fv::guest
