// SPDX-License-Identifier: Apache-2.0
//
// What a run of a program gave, step by step, as the executor wrote it.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "src/fuzz/encoding.h"
#include "src/fuzz/program.h"

namespace fv::fuzz {

struct StepResult {
  enum class State : uint8_t { kNotReached, kEntered, kDone };
  State state = State::kNotReached;
  int64_t result = 0;   // with kDone, as in RAX
  uint64_t output = 0;  // see encoding.h
};

// Of a system call, as in RAX.
bool IsError(int64_t result);

struct Results {
  FvFuzzCut cut = FV_FUZZ_WHOLE;  // why tasks were killed
  std::array<uint32_t, FV_FUZZ_TASKS> pids{};
  std::array<uint32_t, FV_FUZZ_TASKS> handled{};  // runs of signal handlers
  std::vector<std::vector<StepResult>> tasks;     // as in the program

  // The task with a thread id; -1 if there is none.
  int TaskOf(int64_t pid) const;
};

// DataLoss: the bytes are not those of an executor that ran `program` to its end.
absl::StatusOr<Results> ParseResults(const Program& program, std::string_view bytes);

// The steps as strace(1) would print them, task by task: "[task 1] fork(task 2) = task 2".
std::string ResultsText(const Program& program, const Results& results);
// What stands behind the "=": "0", "task 2", "arena+0x3000", "-1 EFAULT", "? (not reached)".
std::string ResultText(const Step& step, const StepResult& result, const Results& results);

}  // namespace fv::fuzz
