// SPDX-License-Identifier: Apache-2.0
//
// What terminals have in common: sessions, job control, signals, waiting.
#include "guest/fs/tty.h"

#include "guest/fs/task_hooks.h"

namespace fv::guest {

namespace {

constexpr int kSigHup = 1;
constexpr int kSigCont = 18;
constexpr int kSigTtou = 22;
constexpr int kSigWinch = 28;

constinit Tty* first_tty = nullptr;

}  // namespace

void Tty::Release() {
  if (--refs_ == 0) {
    Destroy();
  }
}

Tty* NextTty(const Tty* after) { return after == nullptr ? first_tty : after->next_; }

void Tty::Register() {
  Tty** link = &first_tty;
  while (*link != nullptr && (*link)->device() < device()) {
    link = &(*link)->next_;
  }
  next_ = *link;
  *link = this;
}

void Tty::Unregister() {
  for (Tty** link = &first_tty; *link != nullptr; link = &(*link)->next_) {
    if (*link == this) {
      *link = next_;
      return;
    }
  }
}

Tty* TtyOfSession(uint32_t sid) {
  for (Tty* tty = NextTty(nullptr); tty != nullptr && sid != 0; tty = NextTty(tty)) {
    if (tty->session == sid) {
      return tty;
    }
  }
  return nullptr;
}

Tty* CurrentTty() { return CurrentHasTty() ? TtyOfSession(CurrentSid()) : nullptr; }

void LeaveTtyOfSession(uint32_t sid, LeaveReason reason) {
  Tty* tty = TtyOfSession(sid);
  if (tty == nullptr) {
    return;
  }
  const uint32_t group = tty->foreground;
  const bool continues = reason == LeaveReason::kGivenUp || tty->ContinuesAtExit();
  tty->LeaveSession();
  if (group != 0) {
    SignalGroup(group, kSigHup);
    if (continues) {
      SignalGroup(group, kSigCont);
    }
  }
}

void Tty::TakeByte(uint8_t byte) {
  if (!input_is_tty) {
    line.InputRaw(byte);
    return;
  }
  const OutputFlow before = line.flow();
  const int signal = line.Input(byte);
  if (line.flow() != before) {
    FlowChanged();
    writers.WakeAll();
  }
  if (signal != 0) {
    if ((line.settings().c_lflag & NOFLSH) == 0) {
      InputTaken();
    }
    SignalGroup(foreground, signal);
  }
}

bool Tty::Satisfies(size_t wanted) const {
  return input_is_tty ? line.Satisfies(wanted) : line.readable();
}

Status Tty::WaitForInput(uint64_t deadline_ns, size_t wanted) {
  Pull();
  BeginWait();
  const Status status = WaitUntil(readers, deadline_ns, [this, wanted, before = hang_ups] {
    return input_ended || hang_ups != before || Satisfies(wanted);
  });
  EndWait();
  return status;
}

void Tty::ChangeFlow(OutputFlow flow) {
  if (line.flow() != flow) {
    line.SetFlow(flow);
    FlowChanged();
    writers.WakeAll();
  }
}

void Tty::Resize(const struct winsize& new_size) {
  const bool same = new_size.ws_row == size.ws_row && new_size.ws_col == size.ws_col &&
                    new_size.ws_xpixel == size.ws_xpixel && new_size.ws_ypixel == size.ws_ypixel;
  size = new_size;
  if (!same) {
    SignalGroup(foreground, kSigWinch);
  }
}

void Tty::HangUp() {
  ++hang_ups;
  line.Flush();
  const uint32_t sid = session;
  const uint32_t group = foreground;
  LeaveSession();
  if (sid != 0) {
    HangUpSession(sid, group);
  }
  readers.WakeAll();
  writers.WakeAll();
}

void Tty::MakeControlling() {
  session = CurrentSid();
  foreground = CurrentPgid();
  GainTty();
}

void Tty::LeaveSession() {
  if (session != 0) {
    ForgetTtyOfSession(session);
  }
  session = 0;
  foreground = 0;
}

Status Tty::CheckForeground(int signal) const {
  if (CurrentTty() != this || foreground == 0 || CurrentPgid() == foreground) {
    return Ok();
  }
  const bool ignored = CurrentIgnoresSignal(signal);
  if (ignored && signal == kSigTtou) {
    return Ok();
  }
  if (ignored || IsOrphanedGroup(CurrentPgid())) {
    return Error(EIO);
  }
  SignalGroup(CurrentPgid(), signal);
  return Error(kErestartSys);
}

}  // namespace fv::guest
