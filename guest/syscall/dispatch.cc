// SPDX-License-Identifier: Apache-2.0
//
// From the trap frame to a handler and back. The table comes from proto/syscalls.def; a call that
// no family file defines is ENOSYS, counted and reported once a number.

#include "guest/arch/arch.h"
#include "guest/introspect/introspect.h"
#include "guest/syscall/syscall.h"
#include "guest/task/sched.h"
#include "guest/task/task.h"

namespace fv::guest {

// Weak in this file only: a call that nobody defines has no address.
namespace sys {
#define FV_SYSCALL(number, name, kinds, tier) \
  [[gnu::weak]] Result<uint64_t> name(const SyscallArgs& args);
#include "proto/syscalls.def"
#undef FV_SYSCALL
}  // namespace sys

namespace {

struct Table {
  SyscallHandler handlers[kSyscallLimit];
};

// By number; the addresses of weak functions, nullptr where nobody defines one.
constexpr Table MakeTable() {
  Table table{};
#define FV_SYSCALL(number, name, kinds, tier) table.handlers[number] = sys::name;
#include "proto/syscalls.def"
#undef FV_SYSCALL
  return table;
}
constinit const Table kTable = MakeTable();
constinit uint64_t g_missing[kSyscallLimit / 64] = {};

void ReportMissing(uint64_t number, const SyscallArgs& args) {
  EmitEvent(proto::EventKind::kMissingSyscall, number, args.a[0], args.a[1], args.a[2], args.a[3]);
  if (number >= kSyscallLimit) {
    return;
  }
  uint64_t& word = g_missing[number / 64];
  const uint64_t bit = uint64_t{1} << number % 64;
  if ((word & bit) == 0) {
    word |= bit;
    ++Channel().missing_syscalls;
  }
}

}  // namespace

SyscallHandler FindSyscall(uint64_t number) {
  return number < kSyscallLimit ? kTable.handlers[number] : nullptr;
}

void OnSyscall(TrapFrame& frame) {
  AccountUserTime();
  ++ThisCpu().syscalls;
  const uint64_t number = frame.orig_rax;
  const SyscallArgs args{
      {frame.rdi, frame.rsi, frame.rdx, frame.r10, frame.r8, frame.r9}, frame, *CurrentTask()};
  if (EventWanted(proto::EventKind::kSyscallEnter)) [[unlikely]] {
    ReachMoment(proto::FailTrigger::kSyscall, number);
    EmitEvent(proto::EventKind::kSyscallEnter, number, args.a[0], args.a[1], args.a[2], args.a[3]);
  }
  const SyscallHandler handler = FindSyscall(number);
  if (handler == nullptr) {
    ReportMissing(number, args);
    frame.rax = static_cast<uint64_t>(-ENOSYS);
  } else {
    const Result<uint64_t> result = handler(args);
    if (result.ok() || result.error().number() != kErestartBlock) {
      args.task.restart.resume = nullptr;  // nothing was left to go on with
    }
    frame.rax = result.ok() ? result.value() : static_cast<uint64_t>(-result.error().number());
  }
  EmitEvent(proto::EventKind::kSyscallExit, number, frame.rax);
}

}  // namespace fv::guest
