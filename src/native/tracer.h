// SPDX-License-Identifier: Apache-2.0
//
// Records the system calls of a process, its threads and its descendants by ptrace(2). Tracees run
// as if nobody watched: signals are passed on, stopped processes stay stopped until SIGCONT, and a
// tracee does not outlive its tracer. The thread that attaches is the one that runs.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <map>
#include <optional>

#include "absl/status/status.h"
#include "src/trace/trace_builder.h"

namespace fv::native {

class Tracer {
 public:
  // `process` waits before the execve(2) from which on calls are recorded. PermissionDenied if the
  // host does not permit it.
  absl::Status Attach(pid_t process);
  // Until the last tracee is gone.
  trace::Trace Run();

 private:
  struct Tracee {
    uint32_t pid = 0;  // thread id in the first process's pid namespace
    bool born = true;  // false: its creator's report is still to come, until then it stands still
    int status = 0;    // of its first stop, while not born
    // Of the clone that it is in, or was made by, if the register is to be put back.
    std::optional<uint64_t> first_argument;
  };
  using Entry = std::map<pid_t, Tracee>::iterator;

  void OnStatus(pid_t tid, int status);
  void OnStop(Entry tracee, int status);
  void OnEvent(Entry tracee, int event);
  void OnSyscall(Entry tracee);
  void OnBirth(Entry creator, pid_t child);
  void OnExec(Entry tracee);
  void OnEnd(Entry tracee);
  // A tracee's thread id in the namespace of the first process, whose calls tell of tasks by it and
  // where it is unique: tasks of namespaces below have several, and may have the same one there.
  uint32_t PidOf(pid_t tid) const;

  trace::TraceBuilder builder_;
  std::map<pid_t, Tracee> tracees_;  // by thread id in our namespace
  size_t level_ = 0;                 // of the first process's pid namespace, below ours
  bool recording_ = false;           // the first execve is done
};

}  // namespace fv::native
