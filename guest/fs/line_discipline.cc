// SPDX-License-Identifier: Apache-2.0
//
// Line editing. An end-of-file character is kept as a marked NUL: it ends a line and is not copied.
#include "guest/fs/line_discipline.h"

namespace fv::guest {

namespace {

constexpr int kSigInt = 2;
constexpr int kSigQuit = 3;
constexpr int kSigTstp = 20;
constexpr uint8_t kEndOfFileByte = 0;

constexpr uint8_t Control(char letter) { return static_cast<uint8_t>(letter & 0x1f); }

}  // namespace

void LineDiscipline::Reset() {
  settings_ = {};
  settings_.c_iflag = ICRNL | IXON;
  settings_.c_oflag = OPOST | ONLCR;
  settings_.c_cflag = B38400 | CS8 | CREAD;
  settings_.c_lflag = ISIG | ICANON | ECHO | ECHOE | ECHOK | ECHOCTL | ECHOKE | IEXTEN;
  settings_.c_cc[VINTR] = Control('C');
  settings_.c_cc[VQUIT] = Control('\\');
  settings_.c_cc[VERASE] = 0x7f;
  settings_.c_cc[VKILL] = Control('U');
  settings_.c_cc[VEOF] = Control('D');
  settings_.c_cc[VMIN] = 1;
  settings_.c_cc[VSTART] = Control('Q');
  settings_.c_cc[VSTOP] = Control('S');
  settings_.c_cc[VSUSP] = Control('Z');
  settings_.c_cc[VREPRINT] = Control('R');
  settings_.c_cc[VDISCARD] = Control('O');
  settings_.c_cc[VWERASE] = Control('W');
  settings_.c_cc[VLNEXT] = Control('V');
  Flush();
}

void LineDiscipline::SetSettings(const struct termios& settings) {
  const bool was_canonical = Canonical();
  settings_ = settings;
  if (was_canonical == Canonical()) {
    return;
  }
  // What is there becomes readable; in canonical mode as a line of its own.
  committed_ = count_;
  if (Canonical() && count_ > 0) {
    Mark(IndexOf(count_ - 1), true);
  }
}

void LineDiscipline::Mark(size_t index, bool on) {
  const uint64_t bit = uint64_t{1} << index % 64;
  marks_[index / 64] = on ? marks_[index / 64] | bit : marks_[index / 64] & ~bit;
}

void LineDiscipline::Put(uint8_t byte) {
  if (count_ == kCapacity) {
    return;  // as on Linux, what does not fit is lost
  }
  data_[IndexOf(count_)] = byte;
  Mark(IndexOf(count_), false);
  ++count_;
}

void LineDiscipline::Commit(bool end_of_file) {
  if (end_of_file) {
    Put(kEndOfFileByte);
  }
  if (count_ > 0) {
    Mark(IndexOf(count_ - 1), true);
  }
  committed_ = count_;
}

void LineDiscipline::Flush() {
  head_ = 0;
  count_ = 0;
  committed_ = 0;
  literal_next_ = false;
}

int LineDiscipline::SignalOf(uint8_t byte) const {
  if ((settings_.c_lflag & ISIG) == 0) {
    return 0;
  }
  return Is(byte, VINTR) ? kSigInt : Is(byte, VQUIT) ? kSigQuit : Is(byte, VSUSP) ? kSigTstp : 0;
}

void LineDiscipline::EraseOne() {
  // A UTF-8 character goes as a whole (IUTF8).
  while (count_ > committed_) {
    const uint8_t byte = data_[IndexOf(--count_)];
    if ((settings_.c_iflag & IUTF8) == 0 || (byte & 0xc0) != 0x80) {
      return;
    }
  }
}

bool LineDiscipline::Edit(uint8_t byte) {
  if (Is(byte, VERASE)) {
    EraseOne();
    return true;
  }
  if (Is(byte, VKILL)) {
    count_ = committed_;
    return true;
  }
  if ((settings_.c_lflag & IEXTEN) == 0) {
    return false;
  }
  if (Is(byte, VWERASE)) {
    bool in_word = false;
    while (count_ > committed_) {
      const uint8_t last = data_[IndexOf(count_ - 1)];
      const bool blank = last == ' ' || last == '\t';
      if (blank && in_word) {
        break;
      }
      in_word = !blank;
      --count_;
    }
    return true;
  }
  if (Is(byte, VLNEXT)) {
    literal_next_ = true;
    return true;
  }
  return false;
}

int LineDiscipline::Input(uint8_t byte) {
  if (literal_next_) {
    literal_next_ = false;
    Put(byte);
    return 0;
  }
  if (const int signal = SignalOf(byte); signal != 0) {
    if ((settings_.c_lflag & NOFLSH) == 0) {
      Flush();
    }
    return signal;
  }
  if (byte == '\r') {
    if ((settings_.c_iflag & IGNCR) != 0) {
      return 0;
    }
    byte = (settings_.c_iflag & ICRNL) != 0 ? '\n' : byte;
  } else if (byte == '\n' && (settings_.c_iflag & INLCR) != 0) {
    byte = '\r';
  }
  if (!Canonical()) {
    InputRaw(byte);
    return 0;
  }
  if (Edit(byte)) {
    return 0;
  }
  if (Is(byte, VEOF)) {
    Commit(true);
    return 0;
  }
  // The last place is kept for the newline, so that a line that is too long still ends.
  if (byte == '\n' || count_ + 1 < kCapacity) {
    Put(byte);
  }
  if (byte == '\n' || Is(byte, VEOL) || Is(byte, VEOL2)) {
    Commit(false);
  }
  return 0;
}

void LineDiscipline::InputRaw(uint8_t byte) {
  Put(byte);
  committed_ = count_;
}

bool LineDiscipline::Satisfies(size_t wanted) const {
  if (Canonical()) {
    return readable();
  }
  const size_t minimum = settings_.c_cc[VMIN];
  return committed_ >= (minimum < wanted ? minimum : wanted);
}

size_t LineDiscipline::Read(IoBuffer& to) {
  size_t moved = 0;
  while (committed_ > 0) {
    const size_t index = head_;
    const bool ends_line = Marked(index);
    const bool end_of_file = ends_line && Canonical() && data_[index] == kEndOfFileByte;
    if (!end_of_file) {
      if (to.remaining() == 0 || to.CopyOut(&data_[index], 1) == 0) {
        break;
      }
      ++moved;
    }
    head_ = (head_ + 1) % kCapacity;
    --count_;
    --committed_;
    if (ends_line && Canonical()) {
      break;
    }
  }
  return moved;
}

}  // namespace fv::guest
