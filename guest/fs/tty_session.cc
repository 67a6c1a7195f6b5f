// SPDX-License-Identifier: Apache-2.0
//
// The ioctl_tty(2)s about sessions and groups: TIOCGPGRP, TIOCSPGRP, TIOCGSID, TIOCSCTTY,
// TIOCNOTTY. The master of a pseudo-terminal asks about its slave.
#include <asm/ioctls.h>
#include <linux/capability.h>

#include "guest/fs/task_hooks.h"
#include "guest/fs/tty_internal.h"
#include "guest/lib/credentials.h"
#include "guest/mm/user_copy.h"

namespace fv::guest {

namespace {

constexpr int kSigTtou = 22;

Result<uint64_t> GetGroup(const Tty& tty, TtyEnd end, uint64_t argument, Mm& mm) {
  if (end == TtyEnd::kSlave && CurrentTty() != &tty) {
    return Error(ENOTTY);
  }
  TRY(WriteUser(mm, argument, static_cast<int>(PidSeenByCurrent(tty.foreground))));
  return uint64_t{0};
}

Result<uint64_t> GetSession(const Tty& tty, TtyEnd end, uint64_t argument, Mm& mm) {
  if ((end == TtyEnd::kSlave && CurrentTty() != &tty) || tty.session == 0) {
    return Error(ENOTTY);
  }
  TRY(WriteUser(mm, argument, static_cast<int>(PidSeenByCurrent(tty.session))));
  return uint64_t{0};
}

Result<uint64_t> SetForeground(Tty& tty, uint64_t argument, Mm& mm) {
  if (const Status may = tty.CheckForeground(kSigTtou); !may.ok()) {
    return may.error().number() == EIO ? Error(ENOTTY) : may.error();
  }
  const int pgid = TRY(ReadUser<int>(mm, argument));
  if (pgid < 0) {
    return Error(EINVAL);
  }
  if (CurrentTty() != &tty) {
    return Error(ENOTTY);
  }
  const uint32_t group = PidNamedByCurrent(static_cast<uint32_t>(pgid));
  if (group == 0) {
    return Error(ESRCH);
  }
  if (!GroupInSession(group, CurrentSid())) {
    return Error(EPERM);
  }
  tty.foreground = group;
  return uint64_t{0};
}

// `argument` 1: taken away from another session, by whoever may.
Result<uint64_t> Acquire(Tty& tty, uint64_t argument) {
  if (CurrentIsSessionLeader() && tty.session == CurrentSid()) {
    GainTty();
    return uint64_t{0};
  }
  if (!CurrentIsSessionLeader() || CurrentTty() != nullptr) {
    return Error(EPERM);
  }
  if (tty.session != 0) {
    if (argument != 1 || !CurrentCredentials().Capable(CAP_SYS_ADMIN)) {
      return Error(EPERM);
    }
    tty.LeaveSession();
  }
  tty.MakeControlling();
  return uint64_t{0};
}

Result<uint64_t> GiveUp(const Tty& tty, TtyEnd end) {
  if (end == TtyEnd::kMaster || CurrentTty() != &tty) {
    return Error(ENOTTY);
  }
  if (CurrentIsSessionLeader()) {
    LeaveTtyOfSession(CurrentSid(), LeaveReason::kGivenUp);
  }
  LoseTty();
  return uint64_t{0};
}

}  // namespace

Result<uint64_t> SessionIoctl(Tty& tty, TtyEnd end, uint32_t command, uint64_t argument, Mm& mm) {
  switch (command) {
    case TIOCGPGRP:
      return GetGroup(tty, end, argument, mm);
    case TIOCGSID:
      return GetSession(tty, end, argument, mm);
    case TIOCSPGRP:
      return SetForeground(tty, argument, mm);
    case TIOCSCTTY:
      return Acquire(tty, argument);
    case TIOCNOTTY:
      return GiveUp(tty, end);
    default:
      return Error(ENOTTY);
  }
}

}  // namespace fv::guest
