// SPDX-License-Identifier: Apache-2.0
//
// What a byte from the wire does (termios(3)). An end-of-file character is kept as a marked NUL: it
// ends a line and is not copied.
#include "guest/fs/line_discipline.h"

namespace fv::guest {

namespace {

constexpr int kSigInt = 2;
constexpr int kSigQuit = 3;
constexpr int kSigTstp = 20;
constexpr uint8_t kEndOfFileByte = 0;

constexpr uint8_t Control(char letter) { return static_cast<uint8_t>(letter & 0x1f); }

}  // namespace

void LineDiscipline::Reset(EchoSink* echo) {
  echo_ = echo;
  flow_ = OutputFlow::kRunning;
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
  literal_next_ = false;
  // What is there becomes readable; in canonical mode as a line of its own.
  committed_ = count_;
  if (Canonical() && count_ > 0) {
    SetMark(IndexOf(count_ - 1));
  }
}

void LineDiscipline::SetMark(size_t index) { marks_[index / 64] |= uint64_t{1} << index % 64; }

void LineDiscipline::ClearMark(size_t index) { marks_[index / 64] &= ~(uint64_t{1} << index % 64); }

void LineDiscipline::Put(uint8_t byte) {
  if (count_ == kCapacity) {
    return;  // as on Linux, what does not fit is lost
  }
  data_[IndexOf(count_)] = byte;
  ClearMark(IndexOf(count_));
  ++count_;
}

void LineDiscipline::CommitEndOfFile() {
  Put(kEndOfFileByte);
  CommitLine();
}

void LineDiscipline::CommitLine() {
  if (count_ > 0) {
    SetMark(IndexOf(count_ - 1));
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

bool LineDiscipline::TakeFlow(uint8_t byte) {
  if (!FromWire(IXON) || (!Is(byte, VSTART) && !Is(byte, VSTOP))) {
    return false;
  }
  // One character for both turns it over.
  const bool start = Is(byte, VSTART) && (!Is(byte, VSTOP) || flow_ == OutputFlow::kStopped);
  flow_ = start ? OutputFlow::kRunning : OutputFlow::kStopped;
  return true;
}

int LineDiscipline::TakeSignal(uint8_t byte, int signal) {
  if (!Local(NOFLSH)) {
    Flush();
  }
  if (FromWire(IXON)) {
    flow_ = OutputFlow::kRunning;
  }
  if (Local(ECHO)) {
    ShowCharacter(byte);
  }
  return signal;
}

int LineDiscipline::Input(uint8_t byte) {
  if (FromWire(ISTRIP)) {
    byte &= 0x7f;
  }
  if (FromWire(IUCLC) && Local(IEXTEN) && byte >= 'A' && byte <= 'Z') {
    byte = static_cast<uint8_t>(byte | 0x20);
  }
  if (literal_next_) {
    literal_next_ = false;
    InputLine(byte);
    return 0;
  }
  if (TakeFlow(byte)) {
    return 0;
  }
  if (const int signal = SignalOf(byte); signal != 0) {
    return TakeSignal(byte, signal);
  }
  if (FromWire(IXON) && FromWire(IXANY)) {
    flow_ = OutputFlow::kRunning;
  }
  if (byte == '\r') {
    if (FromWire(IGNCR)) {
      return 0;
    }
    byte = FromWire(ICRNL) ? '\n' : byte;
  } else if (byte == '\n' && FromWire(INLCR)) {
    byte = '\r';
  }
  if (!Canonical()) {
    if (Local(ECHO)) {
      byte == '\n' ? ShowRaw(byte) : ShowCharacter(byte);
    }
    InputRaw(byte);
    return 0;
  }
  if (Edit(byte)) {
    return 0;
  }
  if (Is(byte, VEOF)) {
    CommitEndOfFile();
    return 0;
  }
  InputLine(byte);
  if (byte == '\n' || Is(byte, VEOL) || (Is(byte, VEOL2) && Local(IEXTEN))) {
    CommitLine();
  }
  return 0;
}

// A character of the line that is edited.
void LineDiscipline::InputLine(uint8_t byte) {
  if (count_ == committed_ && echo_ != nullptr) {
    line_column_ = echo_->Column();
  }
  if (byte == '\n' && Local(ECHO | ECHONL)) {
    ShowRaw(byte);
  } else if (Local(ECHO)) {
    ShowCharacter(byte);
  }
  // The last place is kept for the newline, so that a line that is too long still ends.
  if (byte == '\n' || (count_ + 1 < kCapacity && count_ - committed_ + 1 < kLongestLine)) {
    Put(byte);
  }
}

void LineDiscipline::InputRaw(uint8_t byte) {
  Put(byte);
  committed_ = count_;
}

size_t LineDiscipline::BytesToRead() const {
  size_t bytes = 0;
  for (size_t i = 0; i < committed_; ++i) {
    const size_t index = IndexOf(i);
    bytes += Canonical() && Marked(index) && data_[index] == kEndOfFileByte ? 0 : 1;
  }
  return bytes;
}

bool LineDiscipline::Satisfies(size_t wanted) const {
  if (Canonical()) {
    return readable();
  }
  const size_t minimum = settings_.c_cc[VMIN];
  return committed_ >= (minimum < wanted ? minimum : wanted);
}

size_t LineDiscipline::Run(size_t most) const {
  size_t end = committed_ < kCapacity - head_ ? committed_ : kCapacity - head_;
  end = most < end ? most : end;
  size_t run = 0;
  while (run < end && !Marked(head_ + run)) {
    ++run;
  }
  return run;
}

void LineDiscipline::Drop(size_t count) {
  head_ = IndexOf(count);
  count_ -= count;
  committed_ -= count;
}

size_t LineDiscipline::Read(IoBuffer& to) {
  size_t moved = 0;
  while (committed_ > 0) {
    if (const size_t run = Run(to.remaining()); run > 0) {
      const size_t done = to.CopyOut(&data_[head_], run);
      moved += done;
      Drop(done);
      if (done < run) {
        break;
      }
      continue;
    }
    const size_t index = head_;
    const bool ends_line = Marked(index);
    const bool end_of_file = ends_line && Canonical() && data_[index] == kEndOfFileByte;
    if (!end_of_file) {
      if (to.remaining() == 0 || to.CopyOut(&data_[index], 1) == 0) {
        break;
      }
      ++moved;
    }
    Drop(1);
    if (ends_line && Canonical()) {
      break;
    }
  }
  return moved;
}

}  // namespace fv::guest
