// SPDX-License-Identifier: Apache-2.0
//
// ConsoleFile: an open stream of the console, as a terminal or as an end of a pipe.
#include <asm/ioctls.h>
#include <linux/fcntl.h>
#include <linux/fs.h>
#include <linux/poll.h>

#include "guest/arch/arch.h"
#include "guest/fs/console.h"
#include "guest/fs/console_internal.h"
#include "guest/fs/object.h"
#include "guest/fs/poll.h"
#include "guest/fs/task_hooks.h"
#include "guest/introspect/introspect.h"
#include "guest/mm/user_copy.h"

namespace fv::guest {

namespace {

constexpr int kSigTtin = 21;
constexpr int kSigTtou = 22;
constexpr uint64_t kDecisecondNs = 100'000'000;

class ConsoleFile final : public File {
 public:
  ConsoleFile(Ref<Dentry> dentry, uint32_t flags, Stream stream, ConsoleKind kind)
      : File(std::move(dentry), flags), stream_(stream), kind_(kind) {}
  Result<uint64_t> Read(IoBuffer& to, uint64_t& position) override;
  Result<uint64_t> Write(IoBuffer& from, uint64_t& position, const IoContext& context) override;
  uint32_t Poll(PollTable* table) override;
  Result<uint64_t> Ioctl(uint32_t command, uint64_t argument, Mm& mm) override;

 private:
  bool is_tty() const { return kind_ == ConsoleKind::kTty; }
  Status WaitToRead(size_t wanted);
  void Destroy() override { DestroyObject(this); }
  Stream stream_;
  ConsoleKind kind_;
};

// VMIN and VTIME (termios(3), "noncanonical mode"); canonical mode and pipes just wait for data.
Status ConsoleFile::WaitToRead(size_t wanted) {
  LineDiscipline& line = Console().line;
  const struct termios& settings = line.settings();
  const bool raw_tty = Console().input_is_tty && (settings.c_lflag & ICANON) == 0;
  const uint64_t time_ns = raw_tty ? settings.c_cc[VTIME] * kDecisecondNs : 0;
  if (raw_tty && settings.c_cc[VMIN] == 0) {
    return time_ns == 0 ? Ok() : ConsoleWaitForInput(MonotonicNs() + time_ns, 1);
  }
  if (time_ns == 0) {
    return ConsoleWaitForInput(kNoDeadline, wanted);
  }
  TRY(ConsoleWaitForInput(kNoDeadline, 1));
  return ConsoleWaitForInput(MonotonicNs() + time_ns, wanted);
}

Result<uint64_t> ConsoleFile::Read(IoBuffer& to, uint64_t&) {
  if (!is_tty() && stream_ != Stream::kInput) {
    return Error(EBADF);
  }
  if (is_tty()) {
    TRY(CheckForeground(kSigTtin));
  }
  if (to.remaining() == 0) {
    return uint64_t{0};
  }
  ConsoleState& state = Console();
  ConsolePoll();
  const bool waits =
      state.input_is_tty ? !state.line.Satisfies(to.remaining()) : !state.line.readable();
  if (waits && !state.input_ended) {
    if (nonblocking()) {
      // Polling readers count as interested, or the host would never read its input.
      Channel().idle_wants_input = 1;
      return state.line.readable() && state.line.Read(to) > 0 ? to.Outcome()
                                                              : Result<uint64_t>(Error(EAGAIN));
    }
    const Status status = WaitToRead(to.remaining());
    if (!status.ok() && status.error().number() != ETIMEDOUT && !state.line.readable()) {
      return status.error();
    }
  }
  state.line.Read(to);
  ConsolePoll();  // there is room again
  return to.Outcome();
}

Result<uint64_t> ConsoleFile::Write(IoBuffer& from, uint64_t&, const IoContext&) {
  if (!is_tty() && stream_ == Stream::kInput) {
    return Error(EBADF);
  }
  if (is_tty() && (Console().line.settings().c_lflag & TOSTOP) != 0) {
    TRY(CheckForeground(kSigTtou));
  }
  const auto stream =
      stream_ == Stream::kError ? proto::ConsoleStream::kStderr : proto::ConsoleStream::kStdout;
  while (from.remaining() > 0 && !from.faulted()) {
    char piece[512];
    const size_t moved = from.CopyIn(piece, sizeof(piece));
    ConsoleWrite(stream, piece, moved);
  }
  return from.Outcome();
}

uint32_t ConsoleFile::Poll(PollTable* table) {
  ConsoleState& state = Console();
  uint32_t events = 0;
  if (readable() && (is_tty() || stream_ == Stream::kInput)) {
    ConsolePoll();
    if (table != nullptr) {
      table->Wait(state.readers);
    }
    Channel().idle_wants_input = 1;
    events |= state.line.readable() ? POLLIN | POLLRDNORM : 0;
    if (state.input_ended) {
      events |= is_tty() ? POLLIN | POLLRDNORM : POLLHUP;
    }
  }
  if (writable() && (is_tty() || stream_ != Stream::kInput)) {
    events |= POLLOUT | POLLWRNORM;
  }
  return events;
}

Result<uint64_t> ConsoleFile::Ioctl(uint32_t command, uint64_t argument, Mm& mm) {
  if (is_tty()) {
    return TtyIoctl(command, argument, mm);
  }
  if (command == FIONREAD) {
    ConsolePoll();
    const size_t bytes = stream_ == Stream::kInput ? Console().line.committed() : 0;
    TRY(WriteUser(mm, argument, static_cast<int>(bytes)));
    return uint64_t{0};
  }
  return Error(ENOTTY);
}

}  // namespace

Result<Ref<File>> MakeConsoleFile(Ref<Dentry> dentry, uint32_t flags, Stream stream,
                                  ConsoleKind kind) {
  ConsoleFile* file = MakeObject<ConsoleFile>(std::move(dentry), flags, stream, kind);
  if (file == nullptr) {
    return Error(ENOMEM);
  }
  return Ref<File>::Adopt(file);
}

Status CheckForeground(int signal) {
  const uint32_t foreground = Console().foreground;
  if (!CurrentHasConsole() || foreground == 0 || CurrentPgid() == foreground) {
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
