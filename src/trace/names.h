// SPDX-License-Identifier: Apache-2.0
//
// Names of numbers: system calls (proto/syscalls.def), errors, signals.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace fv::trace {

struct SyscallInfo {
  uint64_t number;
  std::string_view name;
  std::string_view kinds;  // a letter an argument, see proto/syscalls.def
  bool returns_pid;        // the result names a task or a process
};

// Null if there is none.
const SyscallInfo* FindSyscall(uint64_t number);
const SyscallInfo* FindSyscall(std::string_view name);

// "number 9999" if there is none.
std::string SyscallName(uint64_t number);
// "ENOENT", "ERESTARTSYS", "error 999".
std::string ErrorName(int error);
// "SIGTERM", "SIGRT_8" (counted from the first, 32), "signal 99".
std::string SignalName(uint64_t number);

}  // namespace fv::trace
