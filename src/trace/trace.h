// SPDX-License-Identifier: Apache-2.0
//
// The system calls of one run of a program, task by task, as a tracer outside of the program saw
// them: ptrace(2) natively, the kernel's events in a guest. Plain data.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace fv::trace {

// What the kernel gives an interrupted call that is to be restarted: a tracer sees these numbers,
// a program never does. Linux: include/linux/errno.h.
inline constexpr int kErestartSys = 512;
inline constexpr int kErestartNoIntr = 513;
inline constexpr int kErestartNoHand = 514;
inline constexpr int kErestartBlock = 516;

// Results from -kMaxErrno to -1 are errors.
inline constexpr int64_t kMaxErrno = 4095;

struct Call {
  enum class End : uint8_t {
    kReturned,    // `result` holds
    kUnfinished,  // the task, or the recording, ended inside the call (exit(2) always does)
  };

  // What a call of read's kin reads from. Known natively only.
  enum class Source : uint8_t {
    kOther,
    kKernelFile,  // its content is the kernel's own (/proc, /sys)
    kStream,      // a pipe or a pseudo-terminal: bytes come in any pieces
  };

  uint64_t number = 0;
  std::array<uint64_t, 6> arguments{};
  uint8_t known_arguments = 6;
  int64_t result = 0;  // as in RAX
  End end = End::kUnfinished;
  // How many signal handlers the task was in, one interrupting the other.
  uint8_t handler_depth = 0;
  Source source = Source::kOther;
  // The task that `result` names as a pid (see Trace::tasks); nullopt: no task of the run.
  std::optional<size_t> result_task;
  // The arguments that are paths, in their order, when the recorder could read them.
  std::vector<std::string> paths;

  bool Returned() const { return end == End::kReturned; }
  // The error number; 0 if the call succeeded or did not return.
  int Error() const {
    return Returned() && result < 0 && result >= -kMaxErrno ? static_cast<int>(-result) : 0;
  }
  // A signal came in between, and the call is made again or ends with EINTR.
  bool Interrupted() const {
    const int error = Error();
    return error == kErestartSys || error == kErestartNoIntr || error == kErestartNoHand ||
           error == kErestartBlock;
  }
};

struct TaskTrace {
  std::optional<size_t> creator;
  size_t ordinal = 1;            // among its creator's children, from 1
  std::vector<size_t> children;  // processes and threads, by birth
  uint32_t pid = 0;              // thread id, in the program's pid namespace
  // Handlers that the task is in at the end of its calls. A handler left by siglongjmp(3) counts
  // on.
  uint8_t handler_depth = 0;
  std::vector<Call> calls;
  bool ended = false;  // else the run ended first, and the calls are a beginning
};

struct Trace {
  std::vector<TaskTrace> tasks;  // [0] is the first; every task comes behind its creator
  // More calls or tasks than the recorder keeps: each task's calls are a beginning.
  bool truncated = false;
};

// "1" is the first task, "1.2" the second that it made, "1.2.1" the first that this one made.
std::string TaskName(const Trace& trace, size_t task);

}  // namespace fv::trace
