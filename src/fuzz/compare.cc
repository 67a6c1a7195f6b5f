// SPDX-License-Identifier: Apache-2.0
#include "src/fuzz/compare.h"

#include <sched.h>
#include <signal.h>
#include <sys/syscall.h>

#include <algorithm>
#include <cstddef>
#include <optional>

#include "src/fuzz/calls.h"

namespace fv::fuzz {
namespace {

constexpr uint64_t kElsewhere = ~uint64_t{0};

uint64_t PlaceOf(int64_t address) {
  const uint64_t offset = static_cast<uint64_t>(address) - FV_FUZZ_ARENA;
  return offset < FV_FUZZ_ARENA_PAGES * FV_FUZZ_PAGE ? offset : kElsewhere;
}

bool SameResult(const CallSpec& call, const StepResult& a, const Results& of_a, const StepResult& b,
                const Results& of_b) {
  if (call.result == ResultType::kNone) return true;
  if (IsError(a.result) || IsError(b.result)) return a.result == b.result;
  switch (call.result) {
    case ResultType::kValue:
      return a.result == b.result;
    case ResultType::kAddress:
      return PlaceOf(a.result) == PlaceOf(b.result);
    case ResultType::kTask:
      return of_a.TaskOf(a.result) == of_b.TaskOf(b.result) && (a.result == 0) == (b.result == 0);
    default:
      return true;
  }
}

bool HasStep(const Program& program, bool (*is_it)(const Step&)) {
  return std::ranges::any_of(program.tasks, [is_it](const TaskProgram& task) {
    return std::ranges::any_of(task.steps, is_it);
  });
}

bool HasCall(const Program& program, uint16_t number) {
  return std::ranges::any_of(program.tasks, [number](const TaskProgram& task) {
    return std::ranges::any_of(task.steps,
                               [number](const Step& step) { return step.call == number; });
  });
}

bool RunsOnSignalStack(const Step& step) {
  return std::ranges::any_of(step.arguments, [](const Argument& argument) {
    return argument.kind == ArgumentKind::kStructure && argument.task == FV_FUZZ_SIGACTION &&
           (argument.value & SA_ONSTACK) != 0;
  });
}

// Forks copy as Linux's do until a task says otherwise.
bool LeavesLinuxsFork(const Step& step) {
  return step.call == FV_FUZZ_STRATEGY && step.arguments[0].value != kClassicFork;
}

// Who sends a signal may die of what the receiver's end brings about, on another CPU even before
// the call returns.
bool DiedOfOwnSignal(const CallSpec& call, const StepResult& dead, const StepResult& other) {
  return SendsSignal(call) && dead.state == StepResult::State::kEntered &&
         other.state == StepResult::State::kDone && other.result == 0;
}

bool Waits(const CallSpec& call) { return call.name == "wait4" || call.name == "waitid"; }

// The task that made the process that `task` is a thread of.
size_t ProcessOf(const Program& program, size_t task) {
  for (;;) {
    const std::optional<StepPlace> place = CreatorOf(program, task);
    if (!place) return task;
    const auto& arguments = program.tasks[place->task].steps[place->step].arguments;
    if (arguments.size() < 2 || (arguments[1].value & CLONE_THREAD) == 0) return task;
    task = place->task;
  }
}

bool HasThreads(const Program& program, size_t process) {
  for (size_t task = 0; task < program.tasks.size(); ++task) {
    if (task != process && ProcessOf(program, task) == process) return true;
  }
  return false;
}

// Both are tasks, of which the first made the second.
bool MadeByThreads(const Program& program, int maker, int child) {
  if (maker < 0 || child < 0) return false;
  const std::optional<StepPlace> place = CreatorOf(program, static_cast<size_t>(child));
  const auto process = static_cast<size_t>(maker);
  return place && ProcessOf(program, place->task) == process && HasThreads(program, process);
}

// The threads of a process that is killed end side by side: whether its children have their new
// parent before that one can wait for the process itself is chance.
bool DecidedByDyingThreads(const Program& program, int one, int other) {
  return MadeByThreads(program, one, other) || MadeByThreads(program, other, one);
}

// Of two threads that wait for the same child one gets it, whichever looks first.
bool AreExchanged(const Program& program, const StepDifference& one, const StepDifference& other) {
  return one.task != other.task && one.waits && other.waits && one.a == other.b &&
         one.b == other.a && ProcessOf(program, one.task) == ProcessOf(program, other.task);
}

void DropExchanged(const Program& program, std::vector<StepDifference>& differences) {
  for (size_t i = 0; i < differences.size(); ++i) {
    for (size_t j = i + 1; j < differences.size(); ++j) {
      if (!AreExchanged(program, differences[i], differences[j])) continue;
      differences.erase(differences.begin() + static_cast<ptrdiff_t>(j));
      differences.erase(differences.begin() + static_cast<ptrdiff_t>(i--));
      break;
    }
  }
}

}  // namespace

bool HasMemoryOfItsOwn(const Program& program) {
  const bool has_frames = HasCall(program, SYS_sigaltstack) && HasStep(program, RunsOnSignalStack);
  return has_frames || (HasCall(program, SYS_vmsplice) && HasStep(program, LeavesLinuxsFork));
}

bool IsComparable(const Program& program) {
  if (program.order != Order::kTurns) return false;
  // These go by what memory holds.
  const bool decides = HasCall(program, SYS_futex) || HasCall(program, SYS_eventfd2);
  if (decides && HasMemoryOfItsOwn(program)) return false;
  for (const TaskProgram& task : program.tasks) {
    for (const Step& step : task.steps) {
      if (FindCall(step.call)->compared == Compared::kGuestOnly) return false;
    }
  }
  return true;
}

std::vector<StepDifference> CompareResults(const Program& program, const Results& a,
                                           const Results& b) {
  std::vector<StepDifference> differences;
  const bool own_memory = HasMemoryOfItsOwn(program);
  for (size_t task = 0; task < program.tasks.size(); ++task) {
    const auto& steps = program.tasks[task].steps;
    for (size_t i = 0; i < steps.size(); ++i) {
      const CallSpec& call = *FindCall(steps[i].call);
      const StepResult& left = a.tasks[task][i];
      const StepResult& right = b.tasks[task][i];
      if (left.state == right.state) {
        if (left.state != StepResult::State::kDone) continue;
        const bool is_memory = call.number == FV_FUZZ_LOAD || call.number == FV_FUZZ_HASH;
        const bool same_output = call.output == OutputType::kNone || IsError(left.result) ||
                                 left.output == right.output || (own_memory && is_memory);
        if (same_output && SameResult(call, left, a, right, b)) continue;
      }
      if (Waits(call) &&
          DecidedByDyingThreads(program, a.TaskOf(left.result), b.TaskOf(right.result))) {
        continue;
      }
      if (DiedOfOwnSignal(call, left, right) || DiedOfOwnSignal(call, right, left)) continue;
      differences.push_back({.task = task,
                             .step = i,
                             .call = std::string(call.name),
                             .a = ResultText(steps[i], left, a),
                             .b = ResultText(steps[i], right, b),
                             .waits = Waits(call)});
    }
    if (a.handled[task] != b.handled[task]) {
      differences.push_back({.task = task,
                             .step = steps.size(),
                             .call = "signal handlers",
                             .a = std::to_string(a.handled[task]),
                             .b = std::to_string(b.handled[task])});
    }
  }
  DropExchanged(program, differences);
  return differences;
}

}  // namespace fv::fuzz
