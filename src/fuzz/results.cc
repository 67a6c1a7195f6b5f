// SPDX-License-Identifier: Apache-2.0
#include "src/fuzz/results.h"

#include <cstring>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "src/fuzz/calls.h"
#include "src/fuzz/text.h"
#include "src/trace/names.h"
#include "src/trace/trace.h"

namespace fv::fuzz {
bool IsError(int64_t result) { return result < 0 && result >= -trace::kMaxErrno; }

int Results::TaskOf(int64_t pid) const {
  for (size_t task = 0; task < pids.size(); ++task) {
    if (pids[task] != 0 && pids[task] == pid) return static_cast<int>(task);
  }
  return -1;
}

absl::StatusOr<Results> ParseResults(const Program& program, std::string_view bytes) {
  FvFuzzReport report;
  const size_t wanted = sizeof(report) + program.Steps() * sizeof(FvFuzzResult);
  if (bytes.size() != wanted) {
    return absl::DataLossError(
        absl::StrCat("the executor wrote ", bytes.size(), " bytes of results, not ", wanted));
  }
  std::memcpy(&report, bytes.data(), sizeof(report));
  if (report.magic != FV_FUZZ_MAGIC) return absl::DataLossError("no results of the executor");
  Results results;
  results.cut = static_cast<FvFuzzCut>(report.cut);
  std::memcpy(results.pids.data(), report.pids, sizeof(report.pids));
  std::memcpy(results.handled.data(), report.handled, sizeof(report.handled));
  const char* from = bytes.data() + sizeof(report);
  for (const TaskProgram& task : program.tasks) {
    auto& to = results.tasks.emplace_back();
    for (size_t i = 0; i < task.steps.size(); ++i, from += sizeof(FvFuzzResult)) {
      FvFuzzResult result;
      std::memcpy(&result, from, sizeof(result));
      to.push_back({.state = static_cast<StepResult::State>(result.state % 3),
                    .result = result.result,
                    .output = result.output});
    }
  }
  return results;
}

std::string ResultText(const Step& step, const StepResult& result, const Results& results) {
  if (result.state == StepResult::State::kNotReached) return "? (not reached)";
  if (result.state == StepResult::State::kEntered) return "? (did not return)";
  if (IsError(result.result)) {
    return "-1 " + trace::ErrorName(static_cast<int>(-result.result));
  }
  const CallSpec& call = *FindCall(step.call);
  std::string text = absl::StrCat(result.result);
  const auto address = static_cast<uint64_t>(result.result);
  if (call.result == ResultType::kAddress) {
    const bool inside = address - FV_FUZZ_ARENA < FV_FUZZ_ARENA_PAGES * FV_FUZZ_PAGE;
    text = inside ? absl::StrFormat("arena+0x%x", address - FV_FUZZ_ARENA)
                  : absl::StrFormat("0x%x", address);
  } else if (call.result == ResultType::kTask && results.TaskOf(result.result) >= 0) {
    text = absl::StrCat("task ", results.TaskOf(result.result));
  }
  if (call.output == OutputType::kValue) {
    absl::StrAppend(&text, " [", absl::StrFormat("0x%x", result.output), "]");
  }
  return text;
}

std::string ResultsText(const Program& program, const Results& results) {
  std::string text;
  for (size_t task = 0; task < program.tasks.size(); ++task) {
    const auto& steps = program.tasks[task].steps;
    for (size_t i = 0; i < steps.size(); ++i) {
      absl::StrAppend(&text, "[task ", task, "] ", StepText(steps[i]), " = ",
                      ResultText(steps[i], results.tasks[task][i], results), "\n");
    }
    if (results.handled[task] != 0) {
      absl::StrAppend(&text, "[task ", task, "] signal handlers: ", results.handled[task], "\n");
    }
  }
  if (results.cut != FV_FUZZ_WHOLE) text += "the tasks that were left were killed\n";
  return text;
}

}  // namespace fv::fuzz
