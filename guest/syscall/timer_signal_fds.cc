// SPDX-License-Identifier: Apache-2.0
//
// timerfd_create(2) and its family, signalfd4(2).
#include "guest/syscall/file_args.h"
#include "guest/task/signalfd.h"
#include "guest/task/timerfd.h"

namespace fv::guest::sys {

namespace {

constexpr uint64_t kNs = 1'000'000'000;
constexpr uint32_t kAbsoluteTime = 1;  // TFD_TIMER_ABSTIME
constexpr uint32_t kCancelOnSet = 2;   // TFD_TIMER_CANCEL_ON_SET

struct UserTime {  // struct timespec
  int64_t seconds;
  int64_t nanoseconds;
};
struct UserSetting {  // struct itimerspec
  UserTime interval;
  UserTime value;
};

bool Valid(const UserTime& time) {
  return time.seconds >= 0 && time.nanoseconds >= 0 && time.nanoseconds < static_cast<int64_t>(kNs);
}

uint64_t ToNs(const UserTime& time) {
  uint64_t ns;
  if (__builtin_mul_overflow(static_cast<uint64_t>(time.seconds), kNs, &ns) ||
      __builtin_add_overflow(ns, static_cast<uint64_t>(time.nanoseconds), &ns)) {
    return kNoDeadline - 1;
  }
  return ns;
}

UserTime FromNs(uint64_t ns) {
  return {static_cast<int64_t>(ns / kNs), static_cast<int64_t>(ns % kNs)};
}

Status Give(Mm& mm, uint64_t address, const TimerfdSetting& setting) {
  return address == 0
             ? Ok()
             : WriteUser(mm, address,
                         UserSetting{FromNs(setting.interval_ns), FromNs(setting.value_ns)});
}

CloseOnExecFlag CloexecOf(uint32_t flags) {
  return (flags & O_CLOEXEC) != 0 ? CloseOnExecFlag::kYes : CloseOnExecFlag::kNo;
}

Result<uint64_t> DoSignalfd(const SyscallArgs& args, uint32_t flags) {
  constexpr uint64_t kSigsetBytes = 8;
  if (args.a[2] != kSigsetBytes) {
    return Error(EINVAL);
  }
  const SigSet wanted = TRY(ReadUser<SigSet>(*args.task.mm(), args.a[1]));
  if ((flags & ~uint32_t{O_CLOEXEC | O_NONBLOCK}) != 0) {
    return Error(EINVAL);
  }
  const SigSet mask = wanted & ~(SigBit(kSigKill) | SigBit(kSigStop));
  if (args.Int(0) != -1) {
    const Ref<File> file = TRY(FileArgument(args, 0));
    TRY(SetSignalfdMask(*file, mask));
    return uint64_t{args.Uint(0)};
  }
  Ref<File> file = TRY(MakeSignalfd(mask, flags));
  return static_cast<uint64_t>(
      TRY(args.task.files().Add(std::move(file), CloexecOf(flags), FdLimit(args))));
}

}  // namespace

Result<uint64_t> timerfd_create(const SyscallArgs& args) {
  const uint32_t flags = args.Uint(1);
  const auto clock = static_cast<TimerfdClock>(args.Int(0));
  if ((flags & ~uint32_t{O_CLOEXEC | O_NONBLOCK}) != 0 ||
      (clock != TimerfdClock::kRealtime && clock != TimerfdClock::kMonotonic &&
       clock != TimerfdClock::kBoottime)) {
    return Error(EINVAL);
  }
  Ref<File> file = TRY(MakeTimerfd(clock, flags));
  return static_cast<uint64_t>(
      TRY(args.task.files().Add(std::move(file), CloexecOf(flags), FdLimit(args))));
}

Result<uint64_t> timerfd_settime(const SyscallArgs& args) {
  const auto wanted = TRY(ReadUser<UserSetting>(*args.task.mm(), args.a[2]));
  if ((args.Uint(1) & ~(kAbsoluteTime | kCancelOnSet)) != 0 || !Valid(wanted.interval) ||
      !Valid(wanted.value)) {
    return Error(EINVAL);
  }
  const Ref<File> file = TRY(FileArgument(args, 0));
  const TimerfdSetting setting{ToNs(wanted.interval), ToNs(wanted.value)};
  const TimerfdSetting old = TRY(SetTimerfd(
      *file, setting,
      (args.Uint(1) & kAbsoluteTime) != 0 ? TimerfdStart::kAbsolute : TimerfdStart::kRelative));
  TRY(Give(*args.task.mm(), args.a[3], old));
  return uint64_t{0};
}

Result<uint64_t> timerfd_gettime(const SyscallArgs& args) {
  const Ref<File> file = TRY(FileArgument(args, 0));
  const TimerfdSetting setting = TRY(GetTimerfd(*file));
  TRY(Give(*args.task.mm(), args.a[1], setting));
  return uint64_t{0};
}

Result<uint64_t> signalfd(const SyscallArgs& args) { return DoSignalfd(args, 0); }
Result<uint64_t> signalfd4(const SyscallArgs& args) { return DoSignalfd(args, args.Uint(3)); }

}  // namespace fv::guest::sys
