// SPDX-License-Identifier: Apache-2.0
//
// What the protocol needs of whatever is debugged. A guest is one (guest_target.h), tests have
// another.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "src/gdb/registers.h"

namespace fv::gdb {

// A task's pid; kCpuThread stands for the CPU where it runs no task.
using ThreadId = uint64_t;
inline constexpr ThreadId kCpuThread = 0x7fffffff;

struct Thread {
  ThreadId id;
  std::string name;
};

// How the target goes on: everything runs; `step`: until this thread has executed one instruction.
struct Resume {
  std::optional<ThreadId> step;
};

// Why it stands still.
struct StopReason {
  enum class Kind { kSignal, kBreakpoint, kWatchpoint } kind = Kind::kSignal;
  int signal_number = 5;  // as GDB numbers them: 2 interrupt, 5 trap
  uint64_t address = 0;   // kWatchpoint
};

class Target {
 public:
  virtual ~Target() = default;

  // Never empty.
  virtual std::vector<Thread> Threads() = 0;
  // The one on the CPU.
  virtual ThreadId Current() = 0;

  // nullopt: no such thread.
  virtual std::optional<Registers> ReadRegisters(ThreadId thread) = 0;
  virtual bool WriteRegisters(ThreadId thread, const Registers& registers) = 0;

  // As much as can be read from `address` on, at most `bytes`; as if there were no breakpoints.
  virtual std::string ReadMemory(ThreadId thread, uint64_t address, size_t bytes) = 0;
  // All or nothing.
  virtual bool WriteMemory(ThreadId thread, uint64_t address, std::string_view bytes) = 0;

  enum class Done { kYes, kRefused, kUnsupported };
  virtual Done InsertBreakpoint(ThreadId thread, uint64_t address) = 0;
  virtual Done RemoveBreakpoint(uint64_t address) = 0;
  enum class WatchKind { kExecute, kWrite, kRead, kAccess };
  virtual Done InsertWatch(WatchKind kind, uint64_t address, uint64_t bytes) = 0;
  virtual Done RemoveWatch(WatchKind kind, uint64_t address, uint64_t bytes) = 0;

  // A monitor command's output.
  virtual std::string Monitor(ThreadId thread, const std::string& command) = 0;
};

}  // namespace fv::gdb
