// SPDX-License-Identifier: Apache-2.0
#include "src/fuzz/minimise.h"

#include <utility>

#include "src/fuzz/calls.h"
#include "src/fuzz/step_edits.h"

namespace fv::fuzz {
namespace {

class Minimiser {
 public:
  Minimiser(Program program, const std::function<bool(const Program&)>& shows, size_t tries)
      : best_(std::move(program)), shows_(shows), left_(tries) {}

  Program Run() {
    for (bool smaller = true; smaller && left_ > 0;) {
      smaller = DropTasks();
      smaller = DropSteps() || smaller;
    }
    DropTurns();
    SimplifyArguments();
    return std::move(best_);
  }

 private:
  // Keeps `candidate`, repaired, if it is another program and shows it.
  bool Keep(Program candidate) {
    Repair(candidate);
    if (candidate == best_ || left_ == 0) return false;
    --left_;
    if (!shows_(candidate)) return false;
    best_ = std::move(candidate);
    return true;
  }

  static Program Without(Program program, StepPlace place) {
    RemoveStepAt(program, place);
    return program;
  }

  // The call that makes a task, and with it the task and all that it makes.
  bool DropTasks() {
    bool dropped = false;
    for (size_t task = best_.tasks.size() - 1; task > 0; --task) {
      if (task >= best_.tasks.size()) continue;
      const std::optional<StepPlace> creator = CreatorOf(best_, task);
      if (creator && Keep(Without(best_, *creator))) dropped = true;
    }
    return dropped;
  }

  // Halves, quarters... of a task's calls from the end, at last single ones.
  bool DropSteps() {
    bool dropped = false;
    for (size_t task = 0; task < best_.tasks.size(); ++task) {
      for (size_t chunk = best_.tasks[task].steps.size(); chunk > 0; chunk /= 2) {
        for (size_t end = best_.tasks[task].steps.size(); end > 0;) {
          const size_t count = chunk < end ? chunk : end;
          Program candidate = best_;
          for (size_t i = 0; i < count; ++i) RemoveStepAt(candidate, {task, end - 1 - i});
          dropped = Keep(std::move(candidate)) || dropped;
          if (task >= best_.tasks.size()) return true;
          const size_t steps = best_.tasks[task].steps.size();
          end = end - count < steps ? end - count : steps;
        }
      }
    }
    return dropped;
  }

  void DropTurns() {
    Program candidate = best_;
    candidate.turns.clear();
    Keep(std::move(candidate));
  }

  void SimplifyArguments() {
    for (size_t task = 0; task < best_.tasks.size(); ++task) {
      for (size_t step = 0; step < best_.tasks[task].steps.size(); ++step) {
        const size_t arguments = best_.tasks[task].steps[step].arguments.size();
        for (size_t i = 0; i < arguments; ++i) Simplify(task, step, i);
      }
    }
  }

  // The usual flags, the first choice, the beginning of the page, one page.
  void Simplify(size_t task, size_t step, size_t place) {
    Program candidate = best_;
    Step& changed = candidate.tasks[task].steps[step];
    const ArgumentSpec& spec = FindCall(changed.call)->arguments[place];
    Argument& argument = changed.arguments[place];
    switch (spec.type) {
      case ArgumentType::kFlags:
        argument.value = spec.usual;
        break;
      case ArgumentType::kAddress:
        argument.value -= argument.value % FV_FUZZ_PAGE;
        break;
      case ArgumentType::kSize:
        argument.value = FV_FUZZ_PAGE;
        break;
      case ArgumentType::kWord:
      case ArgumentType::kCount:
        argument.value = 1;
        break;
      default:
        return;
    }
    Keep(std::move(candidate));
  }

  Program best_;
  const std::function<bool(const Program&)>& shows_;
  size_t left_;
};

}  // namespace

Program Minimise(const Program& program, const std::function<bool(const Program&)>& shows,
                 size_t tries) {
  return Minimiser(program, shows, tries).Run();
}

}  // namespace fv::fuzz
