// SPDX-License-Identifier: Apache-2.0
#include "src/fuzz/step_edits.h"

#include <cstddef>
#include <utility>

namespace fv::fuzz {
namespace {

// Calls `change` with every argument that refers to a step of the task from `first` on.
template <typename Change>
void ForEachReference(Program& program, size_t task, size_t first, Change change) {
  for (TaskProgram& other : program.tasks) {
    for (Step& step : other.steps) {
      for (Argument& argument : step.arguments) {
        const bool refers =
            argument.kind == ArgumentKind::kResult || argument.kind == ArgumentKind::kOutput;
        if (refers && argument.task == task && argument.step >= first) change(argument);
      }
    }
  }
}

}  // namespace

void InsertStepAt(Program& program, StepPlace place, Step step) {
  ForEachReference(program, place.task, place.step, [](Argument& argument) { ++argument.step; });
  auto& steps = program.tasks[place.task].steps;
  steps.insert(steps.begin() + static_cast<ptrdiff_t>(place.step), std::move(step));
}

void RemoveStepAt(Program& program, StepPlace place) {
  auto& steps = program.tasks[place.task].steps;
  steps.erase(steps.begin() + static_cast<ptrdiff_t>(place.step));
  ForEachReference(program, place.task, place.step + 1,
                   [](Argument& argument) { --argument.step; });
}

}  // namespace fv::fuzz
