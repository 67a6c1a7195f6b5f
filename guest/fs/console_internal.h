// SPDX-License-Identifier: Apache-2.0
//
// Shared by console.cc (state, commands) and console_file.cc (the files).
#pragma once

#include <cstdint>

#include "guest/fs/dentry.h"
#include "guest/fs/line_discipline.h"
#include "guest/lib/wait_queue.h"

namespace fv::guest {

enum class Stream : uint8_t { kInput, kOutput, kError };
// How a console file looks to a program.
enum class ConsoleKind : uint8_t { kTty, kPipe };

struct ConsoleState {
  LineDiscipline line;
  WaitQueue readers;
  bool input_is_tty = false;
  bool input_ended = false;  // the host's standard input ended
  bool hung_up = false;
  uint16_t columns = 0;
  uint16_t rows = 0;
  uint32_t foreground = 0;  // process group
  uint32_t session = 0;
};

ConsoleState& Console();
// Sleeps until a read of `wanted` bytes can go on or the input has ended. Errors: ETIMEDOUT,
// kErestartSys.
Status ConsoleWaitForInput(uint64_t deadline_ns, size_t wanted);
// Errors: ENOMEM.
Result<Ref<File>> MakeConsoleFile(Ref<Dentry> dentry, uint32_t flags, Stream stream,
                                  ConsoleKind kind);
// The ioctl(2)s of a terminal (ioctl_tty(2)). In tty_ioctl.cc.
Result<uint64_t> TtyIoctl(uint32_t command, uint64_t argument, Mm& mm);

// Job control: a process in the background of the tty's session is about to read (SIGTTIN) or to
// change or write to it (SIGTTOU). Errors: EIO, kErestartSys (the signal was sent).
Status CheckForeground(int signal);

}  // namespace fv::guest
