// SPDX-License-Identifier: Apache-2.0
//
// syslog(2): the kernel's log and what of it the console shows (man page syslog(2), "klogctl").
#include "guest/fs/log_reader.h"
#include "guest/lib/kernel_log.h"
#include "guest/syscall/syscall.h"
#include "guest/task/task.h"
#include "proto/layout.h"

namespace fv::guest {
namespace {

enum SyslogAction : int {
  kClose = 0,
  kOpen = 1,
  kRead = 2,
  kReadAll = 3,
  kReadClear = 4,
  kClear = 5,
  kConsoleOff = 6,
  kConsoleOn = 7,
  kConsoleLevel = 8,
  kSizeUnread = 9,
  kSizeBuffer = 10,
};

constexpr uint64_t kNotOff = ~uint64_t{0};
// The console's level before kConsoleOff.
constinit uint64_t level_before_off = kNotOff;

void SetConsole(SyslogAction action) {
  LogLevels& levels = SystemLog().levels;
  if (action == kConsoleOff) {
    if (level_before_off == kNotOff) {
      level_before_off = levels.console;
    }
    levels.console = levels.least_console;
  } else if (level_before_off != kNotOff) {
    levels.console = level_before_off;
    level_before_off = kNotOff;
  }
}

// Errors: EINVAL.
Status SetConsoleLevel(int level) {
  if (level < 1 || level > 8) {
    return Error(EINVAL);
  }
  LogLevels& levels = SystemLog().levels;
  const auto wanted = static_cast<uint64_t>(level);
  levels.console = wanted < levels.least_console ? levels.least_console : wanted;
  level_before_off = kNotOff;
  return Ok();
}

Result<uint64_t> ReadLog(SyslogAction action, const SyscallArgs& args) {
  const int length = args.Int(2);
  if (args.a[1] == 0 || length < 0) {
    return Error(EINVAL);
  }
  if (length == 0) {
    return uint64_t{0};
  }
  const auto bytes = static_cast<uint64_t>(length);
  if (args.a[1] > proto::kUserEnd || bytes > proto::kUserEnd - args.a[1]) {
    return Error(EFAULT);
  }
  IoBuffer to = IoBuffer::User(*args.task.mm(), args.a[1], bytes);
  return action == kRead
             ? TakeLog(to)
             : ShowLog(to, action == kReadClear ? LogClearing::kClear : LogClearing::kKeep);
}

}  // namespace

namespace sys {

Result<uint64_t> syslog(const SyscallArgs& args) {
  const auto action = static_cast<SyslogAction>(args.Int(0));
  const bool harmless = action == kReadAll || action == kSizeBuffer;
  TRY(MayUseLog(harmless ? LogAccess::kShow : LogAccess::kPrivileged));
  switch (action) {
    case kClose:
    case kOpen:
      return uint64_t{0};
    case kRead:
    case kReadAll:
    case kReadClear:
      return ReadLog(action, args);
    case kClear:
      ClearLog();
      return uint64_t{0};
    case kConsoleOff:
    case kConsoleOn:
      SetConsole(action);
      return uint64_t{0};
    case kConsoleLevel:
      TRY(SetConsoleLevel(args.Int(2)));
      return uint64_t{0};
    case kSizeUnread:
      return UntakenLogBytes();
    case kSizeBuffer:
      return KernelLog::kRecords * sizeof(LogRecord);
  }
  return Error(EINVAL);
}

}  // namespace sys
}  // namespace fv::guest
