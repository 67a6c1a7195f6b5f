// SPDX-License-Identifier: Apache-2.0
#include "src/trace/names.h"

#include <algorithm>
#include <array>
#include <csignal>
#include <cstring>

#include "src/trace/trace.h"

namespace fv::trace {
namespace {

constexpr std::string_view kReturningPids[] = {
    "fork",    "vfork",   "clone",  "clone3", "getpid", "gettid",          "getppid",
    "getpgrp", "getpgid", "getsid", "setsid", "wait4",  "set_tid_address",
};

constexpr bool ReturnsPid(std::string_view name) {
  return std::find(std::begin(kReturningPids), std::end(kReturningPids), name) !=
         std::end(kReturningPids);
}

// In order of the number.
constexpr SyscallInfo kSyscalls[] = {
#define FV_SYSCALL(number, name, kinds, tier) {number, #name, kinds, ReturnsPid(#name)},
#include "proto/syscalls.def"
#undef FV_SYSCALL
};

}  // namespace

const SyscallInfo* FindSyscall(uint64_t number) {
  const auto* found = std::lower_bound(
      std::begin(kSyscalls), std::end(kSyscalls), number,
      [](const SyscallInfo& info, uint64_t wanted) { return info.number < wanted; });
  return found != std::end(kSyscalls) && found->number == number ? found : nullptr;
}

const SyscallInfo* FindSyscall(std::string_view name) {
  const auto* found = std::find_if(std::begin(kSyscalls), std::end(kSyscalls),
                                   [&](const SyscallInfo& info) { return info.name == name; });
  return found == std::end(kSyscalls) ? nullptr : found;
}

std::string SyscallName(uint64_t number) {
  const SyscallInfo* info = FindSyscall(number);
  return info == nullptr ? "number " + std::to_string(number) : std::string(info->name);
}

std::string ErrorName(int error) {
  switch (error) {
    case kErestartSys:
      return "ERESTARTSYS";
    case kErestartNoIntr:
      return "ERESTARTNOINTR";
    case kErestartNoHand:
      return "ERESTARTNOHAND";
    case kErestartBlock:
      return "ERESTART_RESTARTBLOCK";
    default:
      break;
  }
  const char* name = strerrorname_np(error);
  return name == nullptr ? "error " + std::to_string(error) : name;
}

std::string SignalName(uint64_t number) {
  constexpr uint64_t kFirstRealTime = 32;
  constexpr uint64_t kLast = 64;
  if (number >= kFirstRealTime && number <= kLast) {
    return "SIGRT_" + std::to_string(number - kFirstRealTime);
  }
  const char* name = number < kFirstRealTime ? sigabbrev_np(static_cast<int>(number)) : nullptr;
  return name == nullptr ? "signal " + std::to_string(number) : std::string("SIG") + name;
}

}  // namespace fv::trace
