// SPDX-License-Identifier: Apache-2.0
//
// ioctl_tty(2): settings, size, queues, flow. Those of a pseudo-terminal's master speak of its
// slave, but for the queues, which are the master's own (pty_master.cc).
#include <asm/ioctls.h>
#include <linux/termios.h>

#include "guest/fs/tty_internal.h"
#include "guest/lib/string.h"
#include "guest/mm/user_copy.h"

namespace fv::guest {

namespace {

constexpr int kSigTtou = 22;
constexpr int kFlushInput = 0;   // TCIFLUSH
constexpr int kFlushOutput = 1;  // TCOFLUSH
constexpr int kFlushBoth = 2;    // TCIOFLUSH
constexpr int kOutputOff = 0;    // TCOOFF
constexpr int kOutputOn = 1;     // TCOON
constexpr int kInputOn = 3;      // TCION
constexpr unsigned kSpeed = 38400;

enum class FlushFirst { kNo, kYes };

Result<uint64_t> SetAttributes(Tty& tty, uint64_t argument, Mm& mm, FlushFirst flush) {
  TRY(tty.CheckForeground(kSigTtou));
  const auto settings = TRY(ReadUser<struct termios>(mm, argument));
  if (flush == FlushFirst::kYes) {
    tty.line.Flush();
    tty.InputTaken();
  }
  const struct termios old = tty.line.settings();
  tty.line.SetSettings(settings);
  tty.SettingsChanged(old);
  // Without IXON nobody could start it again.
  if ((old.c_iflag & IXON) != 0 && (settings.c_iflag & IXON) == 0) {
    tty.ChangeFlow(OutputFlow::kRunning);
  }
  tty.readers.WakeAll();  // what was an unfinished line may be readable now
  return uint64_t{0};
}

// The same fields with two speeds behind (TCGETS2): what newer C libraries use.
Result<uint64_t> GetAttributes2(const Tty& tty, uint64_t argument, Mm& mm) {
  struct termios2 settings {};
  memcpy(&settings, &tty.line.settings(), sizeof(struct termios));
  settings.c_ispeed = kSpeed;
  settings.c_ospeed = kSpeed;
  TRY(WriteUser(mm, argument, settings));
  return uint64_t{0};
}

Result<uint64_t> FlushQueues(Tty& tty, int which) {
  TRY(tty.CheckForeground(kSigTtou));
  if (which < kFlushInput || which > kFlushBoth) {
    return Error(EINVAL);
  }
  uint8_t flushed = 0;
  if (which != kFlushOutput) {
    tty.line.Flush();
    tty.InputTaken();
    flushed |= TIOCPKT_FLUSHREAD;
  }
  // Output has arrived at the other side when it was written.
  flushed |= which != kFlushInput ? TIOCPKT_FLUSHWRITE : 0;
  tty.Flushed(flushed);
  return uint64_t{0};
}

// TCIOFF and TCION would send a stop or start character to the other side.
Result<uint64_t> ChangeFlowBy(Tty& tty, int action) {
  TRY(tty.CheckForeground(kSigTtou));
  if (action < kOutputOff || action > kInputOn) {
    return Error(EINVAL);
  }
  if (action == kOutputOff || action == kOutputOn) {
    tty.ChangeFlow(action == kOutputOff ? OutputFlow::kStopped : OutputFlow::kRunning);
    return uint64_t{0};
  }
  const struct termios& settings = tty.line.settings();
  const uint8_t byte = settings.c_cc[action == kInputOn ? VSTART : VSTOP];
  if (byte != 0) {
    tty.Transmit(&byte, 1, Stream::kOutput);
  }
  return uint64_t{0};
}

Result<uint64_t> Give(Mm& mm, uint64_t argument, int value) {
  TRY(WriteUser(mm, argument, value));
  return uint64_t{0};
}

Result<uint64_t> Resize(Tty& tty, uint64_t argument, Mm& mm) {
  tty.Resize(TRY(ReadUser<struct winsize>(mm, argument)));
  return uint64_t{0};
}

}  // namespace

Result<uint64_t> TtyIoctl(Tty& tty, TtyEnd end, uint32_t command, uint64_t argument, Mm& mm) {
  switch (command) {
    case TCGETS:
      TRY(WriteUser(mm, argument, tty.line.settings()));
      return uint64_t{0};
    case TCGETS2:
      return GetAttributes2(tty, argument, mm);
    case TCSETS:
    case TCSETSW:
    case TCSETS2:
    case TCSETSW2:
      return SetAttributes(tty, argument, mm, FlushFirst::kNo);
    case TCSETSF:
    case TCSETSF2:
      return SetAttributes(tty, argument, mm, FlushFirst::kYes);
    case TIOCGWINSZ:
      TRY(WriteUser(mm, argument, tty.size));
      return uint64_t{0};
    case TIOCSWINSZ:
      return Resize(tty, argument, mm);
    case FIONREAD:
      tty.Pull();
      return Give(mm, argument, static_cast<int>(tty.line.BytesToRead()));
    case TIOCEXCL:
    case TIOCNXCL:
      tty.exclusive = command == TIOCEXCL;
      return uint64_t{0};
    case TIOCGEXCL:
      return Give(mm, argument, tty.exclusive ? 1 : 0);
    case TIOCOUTQ:
      return Give(mm, argument, 0);
    case TIOCGETD:
      return Give(mm, argument, 0);  // N_TTY
    case TCFLSH:
      return FlushQueues(tty, static_cast<int>(argument));
    case TCXONC:
      return ChangeFlowBy(tty, static_cast<int>(argument));
    case TCSBRK:
    case TCSBRKP:
      TRY(tty.CheckForeground(kSigTtou));
      return uint64_t{0};
    default:
      return SessionIoctl(tty, end, command, argument, mm);
  }
}

}  // namespace fv::guest
