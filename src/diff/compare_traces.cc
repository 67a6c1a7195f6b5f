// SPDX-License-Identifier: Apache-2.0
#include "src/diff/compare_traces.h"

#include <algorithm>
#include <optional>

#include "src/trace/text.h"

namespace fv::diff {
namespace {

using trace::TaskTrace;
using trace::Trace;

// The guest's counterpart of each native task: the same place in the tree.
std::vector<std::optional<size_t>> Counterparts(const Trace& native, const Trace& guest) {
  std::vector<std::optional<size_t>> match(native.tasks.size());
  if (!native.tasks.empty() && !guest.tasks.empty()) match[0] = 0;
  for (size_t i = 0; i < native.tasks.size(); ++i) {
    if (!match[i]) continue;
    // Behind their creator, so they are still to come.
    const std::vector<size_t>& ours = native.tasks[i].children;
    const std::vector<size_t>& theirs = guest.tasks[*match[i]].children;
    for (size_t k = 0; k < std::min(ours.size(), theirs.size()); ++k) match[ours[k]] = theirs[k];
  }
  return match;
}

class Comparer {
 public:
  Comparer(const Trace& native, const Trace& guest, const TraceOptions& options)
      : native_(native),
        guest_(guest),
        options_(options),
        counterparts_(Counterparts(native, guest)) {
    result_.truncated = native.truncated || guest.truncated;
  }

  TraceComparison Run() {
    for (size_t task = 0; task < native_.tasks.size() && !result_.more; ++task) {
      if (!counterparts_[task]) continue;
      ++result_.tasks;
      CompareFlow(Flow::kMain, task, *counterparts_[task]);
      CompareFlow(Flow::kHandlers, task, *counterparts_[task]);
    }
    return std::move(result_);
  }

 private:
  void CompareFlow(Flow flow, size_t native_task, size_t guest_task) {
    const AlignInput input{native_, guest_, counterparts_, options_.ignored};
    const std::vector<Step> steps = Align(input, flow, native_task, guest_task);
    for (size_t at = 0; at < steps.size(); ++at) {
      const Verdict verdict = steps[at].verdict;
      if (verdict == Verdict::kSkipped) {
        ++result_.skipped;
        continue;
      }
      ++result_.calls;
      if (verdict == Verdict::kEqual) continue;
      if (result_.differences.size() >= options_.max_differences) {
        result_.more = true;
        return;
      }
      result_.differences.push_back(Describe(native_task, guest_task, steps, at));
    }
  }

  CallDifference Describe(size_t native_task, size_t guest_task, const std::vector<Step>& steps,
                          size_t at) const {
    const TaskTrace& native = native_.tasks[native_task];
    const TaskTrace& guest = guest_.tasks[guest_task];
    CallDifference difference;
    difference.task = trace::TaskName(native_, native_task);
    difference.native_pid = native.pid;
    difference.guest_pid = guest.pid;
    difference.call = steps[at].native.value_or(native.calls.size()) + 1;
    difference.verdict = steps[at].verdict;
    for (size_t i = at - std::min(at, options_.context); i <= at; ++i) {
      const Step& step = steps[i];
      difference.rows.push_back(
          {.verdict = step.verdict,
           .native = step.native ? trace::CallText(native.calls[*step.native]) : "",
           .guest = step.guest ? trace::CallText(guest.calls[*step.guest]) : ""});
    }
    return difference;
  }

  const Trace& native_;
  const Trace& guest_;
  const TraceOptions& options_;
  std::vector<std::optional<size_t>> counterparts_;
  TraceComparison result_;
};

}  // namespace

TraceComparison CompareTraces(const Trace& native, const Trace& guest,
                              const TraceOptions& options) {
  return Comparer(native, guest, options).Run();
}

}  // namespace fv::diff
