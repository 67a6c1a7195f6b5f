// SPDX-License-Identifier: Apache-2.0
//
// ioctl_tty(2) on the console.
#include <asm/ioctls.h>
#include <linux/fs.h>
#include <linux/termios.h>

#include "guest/fs/console.h"
#include "guest/fs/console_internal.h"
#include "guest/fs/task_hooks.h"
#include "guest/introspect/introspect.h"
#include "guest/lib/string.h"
#include "guest/mm/user_copy.h"

namespace fv::guest {

namespace {

constexpr int kSigTtou = 22;
constexpr int kSigWinch = 28;
constexpr int kFlushInput = 0;   // TCIFLUSH
constexpr int kFlushOutput = 1;  // TCOFLUSH
constexpr int kFlushBoth = 2;    // TCIOFLUSH

void PublishRaw() {
  const uint32_t local = Console().line.settings().c_lflag;
  Channel().console_raw = (local & (ICANON | ECHO)) == (ICANON | ECHO) ? 0 : 1;
}

enum class FlushFirst { kNo, kYes };

Result<uint64_t> SetAttributes(uint64_t argument, Mm& mm, FlushFirst flush) {
  TRY(CheckForeground(kSigTtou));
  const auto settings = TRY(ReadUser<struct termios>(mm, argument));
  if (flush == FlushFirst::kYes) {
    Console().line.Flush();
  }
  Console().line.SetSettings(settings);
  PublishRaw();
  return uint64_t{0};
}

// The same fields with two speeds behind (TCGETS2): what newer C libraries use.
Result<uint64_t> GetAttributes2(uint64_t argument, Mm& mm) {
  struct termios2 settings {};
  memcpy(&settings, &Console().line.settings(), sizeof(struct termios));
  settings.c_ispeed = 38400;
  settings.c_ospeed = 38400;
  TRY(WriteUser(mm, argument, settings));
  return uint64_t{0};
}

Result<uint64_t> SetSize(uint64_t argument, Mm& mm) {
  const auto size = TRY(ReadUser<struct winsize>(mm, argument));
  ConsoleState& state = Console();
  if (size.ws_col != state.columns || size.ws_row != state.rows) {
    state.columns = size.ws_col;
    state.rows = size.ws_row;
    SignalGroup(state.foreground, kSigWinch);
  }
  return uint64_t{0};
}

Result<uint64_t> SetForeground(uint64_t argument, Mm& mm) {
  TRY(CheckForeground(kSigTtou));
  ConsoleState& state = Console();
  if (!CurrentHasConsole() || state.session != CurrentSid()) {
    return Error(ENOTTY);
  }
  const int pgid = TRY(ReadUser<int>(mm, argument));
  if (pgid < 0) {
    return Error(EINVAL);
  }
  const uint32_t group = PidNamedByCurrent(static_cast<uint32_t>(pgid));
  if (group == 0) {
    return Error(ESRCH);
  }
  if (!GroupInSession(group, CurrentSid())) {
    return Error(EPERM);
  }
  state.foreground = group;
  return uint64_t{0};
}

Result<uint64_t> MakeControlling() {
  ConsoleState& state = Console();
  if (CurrentIsSessionLeader() && state.session == CurrentSid()) {
    SetCurrentHasConsole(true);
    return uint64_t{0};
  }
  if (!CurrentIsSessionLeader() || CurrentHasConsole() || state.session != 0) {
    return Error(EPERM);
  }
  state.session = CurrentSid();
  state.foreground = CurrentPgid();
  SetCurrentHasConsole(true);
  return uint64_t{0};
}

Result<uint64_t> GiveUpControlling() {
  if (!CurrentHasConsole()) {
    return Error(ENOTTY);
  }
  SetCurrentHasConsole(false);
  if (CurrentIsSessionLeader()) {
    const uint32_t group = ConsoleSessionEnded(CurrentSid());
    constexpr int kSigHup = 1;
    constexpr int kSigCont = 18;
    SignalGroup(group, kSigHup);
    SignalGroup(group, kSigCont);
  }
  return uint64_t{0};
}

Result<uint64_t> FlushQueues(int which) {
  if (which < kFlushInput || which > kFlushBoth) {
    return Error(EINVAL);
  }
  TRY(CheckForeground(kSigTtou));
  if (which != kFlushOutput) {
    Console().line.Flush();
  }
  return uint64_t{0};
}

Result<uint64_t> Give(Mm& mm, uint64_t argument, int value) {
  TRY(WriteUser(mm, argument, value));
  return uint64_t{0};
}

Result<uint64_t> IdIoctl(uint32_t command, uint64_t argument, Mm& mm) {
  switch (command) {
    case TIOCGPGRP:
      if (!CurrentHasConsole()) {
        return Error(ENOTTY);
      }
      return Give(mm, argument, static_cast<int>(PidSeenByCurrent(Console().foreground)));
    case TIOCGSID:
      if (!CurrentHasConsole()) {
        return Error(ENOTTY);
      }
      return Give(mm, argument, static_cast<int>(PidSeenByCurrent(Console().session)));
    case TIOCSPGRP:
      return SetForeground(argument, mm);
    case TIOCSCTTY:
      return MakeControlling();
    case TIOCNOTTY:
      return GiveUpControlling();
    default:
      return Error(ENOTTY);
  }
}

}  // namespace

Result<uint64_t> TtyIoctl(uint32_t command, uint64_t argument, Mm& mm) {
  ConsoleState& state = Console();
  switch (command) {
    case TCGETS:
      TRY(WriteUser(mm, argument, state.line.settings()));
      return uint64_t{0};
    case TCGETS2:
      return GetAttributes2(argument, mm);
    case TCSETS:
    case TCSETSW:
    case TCSETS2:
    case TCSETSW2:
      return SetAttributes(argument, mm, FlushFirst::kNo);
    case TCSETSF:
    case TCSETSF2:
      return SetAttributes(argument, mm, FlushFirst::kYes);
    case TIOCGWINSZ: {
      const struct winsize size { state.rows, state.columns, 0, 0 };
      TRY(WriteUser(mm, argument, size));
      return uint64_t{0};
    }
    case TIOCSWINSZ:
      return SetSize(argument, mm);
    case FIONREAD:
      ConsolePoll();
      return Give(mm, argument, static_cast<int>(state.line.committed()));
    case TIOCOUTQ:
      return Give(mm, argument, 0);
    case TCFLSH:
      return FlushQueues(static_cast<int>(argument));
    case TCSBRK:
    case TCSBRKP:
    case TCXONC:
      TRY(CheckForeground(kSigTtou));
      return uint64_t{0};
    default:
      return IdIoctl(command, argument, mm);
  }
}

}  // namespace fv::guest
