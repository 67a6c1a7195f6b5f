// SPDX-License-Identifier: Apache-2.0
//
// The console's state and its files. One input buffer serves every reader, since the host has one
// standard input; whether it goes through the line discipline depends on whether it is a terminal.
#include "guest/fs/console.h"

#include <linux/fcntl.h>
#include <linux/poll.h>

#include <new>

#include "guest/fs/console_internal.h"
#include "guest/fs/devices.h"
#include "guest/fs/object.h"
#include "guest/fs/poll.h"
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
constexpr int kSigWinch = 28;
// Bytes that one command may carry; a buffer with less room waits.
constexpr size_t kCommandBytes = sizeof(proto::CommandRecord{}.data);

alignas(ConsoleState) constinit unsigned char state_bytes[sizeof(ConsoleState)]{};

// The host's terminal does not echo in its raw mode.
void Echo(uint8_t byte) {
  const struct termios& settings = Console().line.settings();
  if (Channel().console_raw != 0 && (settings.c_lflag & (ECHO | ICANON)) == ECHO) {
    const bool control = byte < ' ' && byte != '\n' && byte != '\t';
    const bool caret = control && (settings.c_lflag & ECHOCTL) != 0;
    const char text[] = {'^', static_cast<char>(byte | '@')};
    const char plain = static_cast<char>(byte);
    caret ? ConsoleWrite(proto::ConsoleStream::kStdout, text, sizeof(text))
          : ConsoleWrite(proto::ConsoleStream::kStdout, &plain, 1);
  }
}

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
  ConsoleState& state = Console();
  const uint8_t byte = CharacterOf(signal);
  if (state.input_is_tty && (state.line.settings().c_lflag & ISIG) == 0 && byte != 0) {
    Echo(byte);
    (void)state.line.Input(byte);
    state.readers.WakeAll();
    return;
  }
  if (state.input_is_tty && (state.line.settings().c_lflag & NOFLSH) == 0) {
    state.line.Flush();
  }
  SignalGroup(state.foreground, signal);
}

void TakeInput(const proto::CommandRecord& command) {
  ConsoleState& state = Console();
  const size_t bytes = command.length < kCommandBytes ? command.length : kCommandBytes;
  for (size_t i = 0; i < bytes; ++i) {
    if (!state.input_is_tty) {
      state.line.InputRaw(command.data[i]);
      continue;
    }
    Echo(command.data[i]);
    if (const int signal = state.line.Input(command.data[i]); signal != 0) {
      SignalGroup(state.foreground, signal);
    }
  }
}

void TakeCommand(const proto::CommandRecord& command) {
  ConsoleState& state = Console();
  switch (command.kind) {
    case proto::CommandKind::kInput:
      TakeInput(command);
      break;
    case proto::CommandKind::kInputEnd:
      state.input_ended = true;
      break;
    case proto::CommandKind::kSignal:
      TakeSignal(command.data[0]);
      return;
    case proto::CommandKind::kResize:
      state.columns = static_cast<uint16_t>(command.data[0] | command.data[1] << 8);
      state.rows = static_cast<uint16_t>(command.data[2] | command.data[3] << 8);
      SignalGroup(state.foreground, kSigWinch);
      return;
  }
  state.readers.WakeAll();
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
    return MakeConsoleFile(std::move(dentry), flags, stream_, ConsoleKind::kPipe);
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
      return MakeConsoleFile(Ref<Dentry>(*console), O_RDWR, stream, ConsoleKind::kTty);
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
  return MakeConsoleFile(std::move(dentry), stream == Stream::kInput ? O_RDONLY : O_WRONLY, stream,
                         ConsoleKind::kPipe);
}

}  // namespace

ConsoleState& Console() { return *reinterpret_cast<ConsoleState*>(state_bytes); }

void InitConsole() {
  ConsoleState& state = *new (state_bytes) ConsoleState();
  state.line.Reset();
  state.input_is_tty = StreamIsTty(proto::kBootStdinIsTty);
  state.columns = static_cast<uint16_t>(Boot().console_columns);
  state.rows = static_cast<uint16_t>(Boot().console_rows);
  Channel().idle_wants_input = 0;
  Channel().console_raw = 0;
}

void ConsolePoll() {
  proto::CommandRecord command;
  while (RoomForCommand() && NextCommand(command)) {
    TakeCommand(command);
  }
  PublishWants();
}

Status ConsoleWaitForInput(uint64_t deadline_ns, size_t wanted) {
  ConsoleState& state = Console();
  ConsolePoll();
  // The host looks at the flag when everybody sleeps, by which time this task is in the queue.
  Channel().idle_wants_input = 1;
  const Status status = WaitUntil(state.readers, deadline_ns, [&] {
    return state.input_ended || state.hung_up ||
           (state.input_is_tty ? state.line.Satisfies(wanted) : state.line.readable());
  });
  PublishWants();
  return status;
}

void SetConsoleForeground(uint32_t pgid, uint32_t sid) {
  Console().foreground = pgid;
  Console().session = sid;
}

uint32_t ConsoleForegroundGroup() { return Console().foreground; }
uint32_t ConsoleSession() { return Console().session; }

uint32_t ConsoleSessionEnded(uint32_t sid) {
  ConsoleState& state = Console();
  if (sid == 0 || state.session != sid) {
    return 0;
  }
  const uint32_t group = state.foreground;
  state.session = 0;
  state.foreground = 0;
  return group;
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

Result<Ref<File>> OpenTty(Ref<Dentry> dentry, uint32_t flags) {
  return MakeConsoleFile(std::move(dentry), flags, Stream::kOutput, ConsoleKind::kTty);
}

}  // namespace fv::guest
