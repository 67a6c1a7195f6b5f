// SPDX-License-Identifier: Apache-2.0
//
// Lays the calls of one task, recorded natively and in a guest, side by side. Calls that have to be
// there pair up in order; optional ones (rules.h) pair up where they can. What a task does in
// signal handlers is laid side by side apart from the rest: when a signal comes, and how many of
// them are taken as one, is chance.
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <vector>

#include "src/trace/trace.h"

namespace fv::diff {

enum class Verdict : uint8_t {
  kEqual,
  kSkipped,  // an optional call that the other side did not make
  kResult,   // the same call, another result
  kCall,     // another call
  kMissing,  // one side has ended
};

// Indices into the calls of each side; one of them may be empty.
struct Step {
  std::optional<size_t> native;
  std::optional<size_t> guest;
  Verdict verdict = Verdict::kEqual;
};

enum class Flow : uint8_t {
  kMain,
  kHandlers,  // in signal handlers: all calls are optional
};

// Calls of one flow that are compared: not those that the user ignores. Of a loop that yields
// or sleeps until something has happened only the last turn is left.
std::vector<size_t> ComparedCalls(const trace::TaskTrace& task, Flow flow,
                                  const std::set<uint64_t>& ignored);

// A task whose calls end because something else ended it (a signal, the end of the run or of the
// recording): where in its work that struck is chance.
bool EndedFromOutside(const trace::TaskTrace& task);

struct AlignInput {
  const trace::Trace& native;
  const trace::Trace& guest;
  // The guest's counterpart of each native task.
  const std::vector<std::optional<size_t>>& counterparts;
  const std::set<uint64_t>& ignored;
};

// The steps of one flow of native task `native_task` and its counterpart `guest_task`, up to the
// first other call (kCall or kMissing), behind which nothing can be compared.
std::vector<Step> Align(const AlignInput& input, Flow flow, size_t native_task, size_t guest_task);

}  // namespace fv::diff
