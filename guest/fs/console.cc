// SPDX-License-Identifier: Apache-2.0
//
// The console's state and its files. One input buffer serves every reader, since the host has one
// standard input; whether it goes through the line discipline depends on whether it is a terminal.
#include "guest/fs/console.h"

#include <linux/fcntl.h>

#include <new>

#include "guest/fs/console_internal.h"
#include "guest/fs/devices.h"
#include "guest/fs/object.h"
#include "guest/fs/task_hooks.h"
#include "guest/fs/vfs.h"
#include "guest/introspect/introspect.h"
#include "guest/lib/print.h"
#include "guest/lib/string.h"

namespace fv::guest {

namespace {

constexpr int kSigInt = 2;
constexpr int kSigQuit = 3;
constexpr int kSigTstp = 20;
// Bytes that one command may carry; a buffer with less room waits.
constexpr size_t kCommandBytes = sizeof(proto::CommandRecord{}.data);

alignas(ConsoleTty) constinit unsigned char console_bytes[sizeof(ConsoleTty)]{};

// The character that stands for a signal, 0 if none does.
uint8_t CharacterOf(int signal) {
  const struct termios& settings = Console().line.settings();
  switch (signal) {
    case kSigInt:
      return settings.c_cc[VINTR];
    case kSigQuit:
      return settings.c_cc[VQUIT];
    case kSigTstp:
      return settings.c_cc[VSUSP];
    default:
      return 0;
  }
}

// A key that the host's terminal turned into a signal. Without ISIG it is a byte like any other.
void TakeSignal(int signal) {
  ConsoleTty& tty = Console();
  const uint8_t byte = CharacterOf(signal);
  if (tty.input_is_tty && (tty.line.settings().c_lflag & ISIG) == 0 && byte != 0) {
    tty.TakeByte(byte);
    tty.readers.WakeAll();
    return;
  }
  if (tty.input_is_tty && (tty.line.settings().c_lflag & NOFLSH) == 0) {
    tty.line.Flush();
  }
  SignalGroup(tty.foreground, signal);
}

void TakeInput(const proto::CommandRecord& command) {
  ConsoleTty& tty = Console();
  const size_t bytes = command.length < kCommandBytes ? command.length : kCommandBytes;
  for (size_t i = 0; i < bytes; ++i) {
    tty.TakeByte(command.data[i]);
  }
}

void TakeSize(const proto::CommandRecord& command) {
  struct winsize size {};
  size.ws_col = static_cast<uint16_t>(command.data[0] | command.data[1] << 8);
  size.ws_row = static_cast<uint16_t>(command.data[2] | command.data[3] << 8);
  Console().Resize(size);
}

void TakeCommand(const proto::CommandRecord& command) {
  ConsoleTty& tty = Console();
  switch (command.kind) {
    case proto::CommandKind::kInput:
      TakeInput(command);
      break;
    case proto::CommandKind::kInputEnd:
      tty.input_ended = true;
      break;
    case proto::CommandKind::kSignal:
      TakeSignal(command.data[0]);
      return;
    case proto::CommandKind::kResize:
      TakeSize(command);
      return;
  }
  tty.readers.WakeAll();
}

// Input that is not a terminal's must not be lost: it stays in the ring until there is room.
bool RoomForCommand() { return Console().input_is_tty || Console().line.room() >= kCommandBytes; }

void PublishWants() { Channel().idle_wants_input = Console().readers.empty() ? 0 : 1; }

bool StreamIsTty(proto::BootFlag flag) { return (Boot().flags & flag) != 0; }

// The inode of a stream that is no terminal.
class StreamInode final : public Inode {
 public:
  explicit StreamInode(Stream stream)
      : Inode(PipeSuperblock(), kTypeFifo | 0600), stream_(stream) {}
  Result<Ref<File>> Open(Ref<Dentry> dentry, uint32_t flags) override {
    return MakeStreamFile(std::move(dentry), flags, stream_);
  }

 private:
  void Destroy() override { DestroyObject(this); }
  Stream stream_;
};

Result<Ref<File>> OpenStream(Stream stream, bool is_tty) {
  if (is_tty) {
    Dentry* dev = RootDentry()->FindChild("dev", 3);
    Dentry* console = dev == nullptr ? nullptr : dev->FindChild("console", 7);
    if (console != nullptr) {
      return MakeTtyFile(Ref<Dentry>(*console), O_RDWR, Ref<Tty>(Console()), stream);
    }
  }
  StreamInode* node = MakeObject<StreamInode>(stream);
  if (node == nullptr) {
    return Error(ENOMEM);
  }
  Ref<Inode> inode = Ref<Inode>::Adopt(node);
  char name[32];
  const size_t length = Format(name, sizeof(name), "pipe:[%lu]", inode->number());
  Ref<Dentry> dentry = TRY(Dentry::Create(nullptr, name, length, std::move(inode)));
  return MakeStreamFile(std::move(dentry), stream == Stream::kInput ? O_RDONLY : O_WRONLY, stream);
}

}  // namespace

ConsoleTty::ConsoleTty() {
  line.Reset(this);
  input_is_tty = StreamIsTty(proto::kBootStdinIsTty);
  size.ws_col = static_cast<uint16_t>(Boot().console_columns);
  size.ws_row = static_cast<uint16_t>(Boot().console_rows);
  Register();
}

void ConsoleTty::Pull() {
  proto::CommandRecord command;
  while (RoomForCommand() && NextCommand(command)) {
    TakeCommand(command);
  }
  PublishWants();
}

// The host looks at the flag when everybody sleeps, by which time this task is in the queue.
void ConsoleTty::BeginWait() { Channel().idle_wants_input = 1; }
void ConsoleTty::EndWait() { PublishWants(); }

size_t ConsoleTty::WriteRoom() const { return line.flow() == OutputFlow::kStopped ? 0 : SIZE_MAX; }

void ConsoleTty::Transmit(const uint8_t* bytes, size_t count, Stream stream) {
  ConsoleWrite(
      stream == Stream::kError ? proto::ConsoleStream::kStderr : proto::ConsoleStream::kStdout,
      reinterpret_cast<const char*>(bytes), count);
}

void ConsoleTty::SettingsChanged(const struct termios&) {
  const uint32_t local = line.settings().c_lflag;
  Channel().console_raw = (local & (ICANON | ECHO)) == (ICANON | ECHO) ? 0 : 1;
}

// The host's terminal does not echo in its raw mode.
void ConsoleTty::Echo(uint8_t byte) {
  if (Channel().console_raw != 0) {
    Transmit(&byte, 1, Stream::kOutput);
  }
}

ConsoleTty& Console() { return *reinterpret_cast<ConsoleTty*>(console_bytes); }

void InitConsole() {
  Channel().idle_wants_input = 0;
  Channel().console_raw = 0;
  new (console_bytes) ConsoleTty();
}

void ConsolePoll() { Console().Pull(); }

void SetConsoleForeground(uint32_t pgid, uint32_t sid) {
  Console().foreground = pgid;
  Console().session = sid;
}

Status OpenConsole(FdTable& files) {
  constexpr Stream kStreams[] = {Stream::kInput, Stream::kOutput, Stream::kError};
  constexpr proto::BootFlag kFlags[] = {proto::kBootStdinIsTty, proto::kBootStdoutIsTty,
                                        proto::kBootStderrIsTty};
  for (unsigned i = 0; i < 3; ++i) {
    Ref<File> file = TRY(OpenStream(kStreams[i], StreamIsTty(kFlags[i])));
    (void)TRY(files.Add(std::move(file), CloseOnExecFlag::kNo, 3, i));
  }
  return Ok();
}

Result<Ref<File>> OpenConsoleTty(Ref<Dentry> dentry, uint32_t flags) {
  return MakeTtyFile(std::move(dentry), flags, Ref<Tty>(Console()), Stream::kOutput);
}

}  // namespace fv::guest
