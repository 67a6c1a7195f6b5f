// SPDX-License-Identifier: Apache-2.0
//
// Traces for tests, written down call by call.
#pragma once

#include <sys/syscall.h>

#include "src/trace/trace_builder.h"

namespace fv::diff::testing {

inline constexpr uint32_t kFirst = 2;  // thread id of the first task

class Script {
 public:
  Script() { builder_.OnFirst(kFirst); }

  Script& Call(uint64_t number, int64_t result, std::array<uint64_t, 6> arguments = {},
               uint32_t tid = kFirst) {
    builder_.OnEnter(tid, number, arguments);
    builder_.OnExit(tid, result);
    return *this;
  }
  // fork(2): a child is born, and its creator sees it.
  Script& Fork(uint32_t child, uint32_t creator = kFirst) {
    builder_.OnEnter(creator, SYS_fork, {});
    builder_.OnBirth(creator, child);
    builder_.OnExit(creator, child);
    return *this;
  }
  Script& Open(uint64_t number, uint32_t tid = kFirst) {
    builder_.OnEnter(tid, number, {});
    return *this;
  }
  Script& Exit(uint64_t status, uint32_t tid = kFirst) {
    builder_.OnEnter(tid, SYS_exit_group, {status});
    builder_.OnEnd(tid);
    return *this;
  }
  Script& Killed(uint32_t tid = kFirst) {
    builder_.OnEnd(tid);
    return *this;
  }
  trace::TraceBuilder& builder() { return builder_; }
  trace::Trace Take() { return builder_.Take(); }

 private:
  trace::TraceBuilder builder_;
};

}  // namespace fv::diff::testing
