// SPDX-License-Identifier: Apache-2.0
//
// Makes a Trace of what a recorder sees: births, entries, exits, execs, ends, by thread id. Thread
// ids may be used again after an end. Nothing that a recorder says can break the builder: what
// concerns a task that it does not know is dropped. One thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>

#include "src/trace/trace.h"

namespace fv::trace {

// Calls that one trace keeps, of all tasks together.
inline constexpr size_t kMaxCalls = 2'000'000;
inline constexpr size_t kMaxTasks = 200'000;

class TraceBuilder {
 public:
  explicit TraceBuilder(size_t max_calls = kMaxCalls) : max_calls_(max_calls) {}

  // The first program. Thread ids of a call's result and of tasks are of one pid namespace.
  void OnFirst(uint32_t tid);
  // In the call that the creator is in, which returns the child whatever its thread id names by
  // then: the child may have run before, and a thread of it taken the thread id over by an exec.
  void OnBirth(uint32_t creator, uint32_t child);
  // The call, to be completed by the recorder until the task's next step; null if there is nothing
  // to complete: the call is dropped, or is restart_syscall(2), by which the kernel goes on with a
  // call that it interrupted, and which counts as that call.
  Call* OnEnter(uint32_t tid, uint64_t number, const std::array<uint64_t, 6>& arguments);
  void OnExit(uint32_t tid, int64_t result);
  // A signal's handler begins; rt_sigreturn(2) ends it.
  void OnHandler(uint32_t tid);
  // `former` has replaced its program, taken over the thread id `tid` and ended all other threads
  // (ptrace(2), "execve(2) under ptrace"). Mostly both are the same.
  void OnExec(uint32_t former, uint32_t tid);
  void OnEnd(uint32_t tid);

  bool Knows(uint32_t tid) const { return living_.contains(tid); }
  // The call that a task is in, or null.
  Call* OpenCall(uint32_t tid);
  Trace Take() { return std::move(trace_); }

 private:
  TaskTrace* Find(uint32_t tid);
  static bool GoesOn(TaskTrace& task, uint64_t number);

  Trace trace_;
  size_t max_calls_;
  size_t calls_ = 0;
  std::map<uint32_t, size_t> living_;  // thread id to task
  std::map<uint32_t, size_t> last_;    // the same, the dead included
};

}  // namespace fv::trace
