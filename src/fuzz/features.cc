// SPDX-License-Identifier: Apache-2.0
#include "src/fuzz/features.h"

#include <limits>

#include "src/fuzz/calls.h"

namespace fv::fuzz {
namespace {

uint64_t Mix(uint64_t hash, uint64_t word) { return (hash ^ word) * 0x9E3779B97F4A7C15; }

// One outcome of one call: the error, or success; with the flags and choices that were asked for.
uint64_t OutcomeOf(const Step& step, const StepResult& result) {
  uint64_t outcome = Mix(Mix(1, step.call), static_cast<uint64_t>(result.state));
  const bool failed = result.state == StepResult::State::kDone && result.result < 0;
  return Mix(outcome, failed ? -static_cast<uint64_t>(result.result) : 0);
}

uint64_t WishOf(const Step& step) {
  const CallSpec& call = *FindCall(step.call);
  uint64_t wish = 0;
  for (size_t i = 0; i < step.arguments.size(); ++i) {
    const ArgumentType type = call.arguments[i].type;
    if (type == ArgumentType::kFlags || type == ArgumentType::kChoice) {
      wish = Mix(wish, step.arguments[i].value);
    }
  }
  return wish;
}

void Count(std::span<uint8_t> counters, uint64_t feature) {
  uint8_t& counter = counters[(feature >> 40) % kFeatures];
  if (counter < std::numeric_limits<uint8_t>::max()) ++counter;
}

}  // namespace

void AddFeatures(const Program& program, const Results& results, std::span<uint8_t> counters) {
  // Even a program without a call shows something: libFuzzer gives up where nothing does.
  Count(counters, Mix(2, program.tasks.size()));
  for (size_t task = 0; task < program.tasks.size(); ++task) {
    const auto& steps = program.tasks[task].steps;
    // A task is told from others by the call that made it.
    const std::optional<StepPlace> creator = CreatorOf(program, task);
    uint64_t before =
        creator ? WishOf(program.tasks[creator->task].steps[creator->step]) ^ creator->task : 0;
    for (size_t i = 0; i < steps.size(); ++i) {
      const StepResult& result = results.tasks[task][i];
      if (result.state == StepResult::State::kNotReached) break;
      const uint64_t outcome = OutcomeOf(steps[i], result);
      Count(counters, outcome);
      Count(counters, Mix(outcome, WishOf(steps[i])));
      Count(counters, Mix(before, outcome));
      before = outcome;
    }
  }
}

}  // namespace fv::fuzz
