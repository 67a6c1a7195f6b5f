// SPDX-License-Identifier: Apache-2.0
//
// What may differ between two right runs of one program, system call by system call: the one table
// of it. Calls that are not in the table are made on both sides, with the same result to the bit.
// docs/diff.md argues every row.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "src/trace/trace.h"

namespace fv::diff {

enum class ResultRule : uint8_t {
  kExact,    // the same value, or the same error
  kSuccess,  // the same error, or success: the value is an address, a time, a size...
  kZero,     // the same error, zero on both sides, or more than zero on both
  kTask,     // the same task, by its place in the tree of tasks
  kTiming,   // success, EAGAIN and an interruption are the same; other errors are exact
  kNone,     // no result of the call's own
};

enum class Presence : uint8_t {
  kAlways,
  kOptional,  // may be missing on one side
};

struct Rule {
  std::string_view call;
  ResultRule result;
  Presence presence;
  std::string_view why;
};

// In alphabetical order.
std::span<const Rule> Rules();
// The rule of a call; the default one for a call without a row.
const Rule& RuleOf(uint64_t number);

// Whether `call` may be missing on the other side: by its rule, unless it was refused, or because a
// signal interrupted it (whether a signal comes before a call or within it is chance), or because
// it is made again: it asked for a child that has not ended yet, or a rename got in its way.
bool IsOptional(const trace::Call& call);
// wait4(2) with WNOHANG, which found no child that has ended.
bool FoundNoChild(const trace::Call& call);

// How the results of two calls of one number compare, tasks aside.
struct TaskPair {
  const trace::Call& native;
  const trace::Call& guest;
};
// `native_task` is for ResultRule::kTask: the guest's counterpart of native.result_task.
bool SameResult(const TaskPair& calls, std::optional<size_t> native_task);

}  // namespace fv::diff
