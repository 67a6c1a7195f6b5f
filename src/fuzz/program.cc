// SPDX-License-Identifier: Apache-2.0
//
// Validity: Repair goes through a program once and changes what a row of the call table does not
// permit.
#include "src/fuzz/program.h"

#include <sched.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <algorithm>
#include <array>

#include "src/fuzz/calls.h"

namespace fv::fuzz {
namespace {

constexpr uint64_t kArenaBytes = FV_FUZZ_ARENA_PAGES * FV_FUZZ_PAGE;
constexpr uint64_t kBreakBytes = 16 * FV_FUZZ_PAGE;
constexpr uint64_t kMaxSleepNs = 300'000;
constexpr uint64_t kMaxCount = 2 * FV_FUZZ_PAGE;
constexpr uint64_t kMaxFd = 9;
// Signals that masks may name: all but those by which executor and host end a run.
constexpr uint64_t kMaskBits = ~(uint64_t{1} << (14 - 1));
constexpr uint64_t kMinIntervalNs = 100'000;  // so that a timer does not keep a guest busy
constexpr uint64_t kMaxTimer = 9;
constexpr uint64_t kRobustBytes = 64;
constexpr uint64_t kActionFlags = 0xDC000007;  // SA_NOCLDSTOP... as sigaction(2) has them

bool Contains(std::span<const Named> names, uint64_t value) {
  return std::any_of(names.begin(), names.end(),
                     [value](const Named& name) { return name.value == value; });
}

uint64_t RepairedChoice(std::span<const Named> names, uint64_t value) {
  return Contains(names, value) ? value : names[value % names.size()].value;
}

uint64_t AllFlags(std::span<const Named> names) {
  uint64_t all = 0;
  for (const Named& name : names) all |= name.value;
  return all;
}

uint64_t RepairedSize(uint64_t value) {
  const auto sizes = Sizes();
  const bool known = std::find(sizes.begin(), sizes.end(), value) != sizes.end();
  return known || value <= kMaxSize ? value : sizes[value % sizes.size()];
}

uint64_t RepairedTimer(uint64_t value) {
  const uint64_t interval = value & 0xFFFFFFFF;
  const uint64_t first = (value >> 32) % (kMaxSleepNs + 1);
  return (interval == 0 ? 0 : std::clamp(interval, kMinIntervalNs, kMaxSleepNs)) | first << 32;
}

uint64_t RepairedStructure(FvFuzzStructure structure, uint64_t value) {
  switch (structure) {
    case FV_FUZZ_ITIMERSPEC:
    case FV_FUZZ_ITIMERVAL:
      return RepairedTimer(value);
    case FV_FUZZ_SIGEVENT:
      return value & 0x77F0F;
    case FV_FUZZ_STRING:
      return (value & 0xFF) % Strings().size() | (value >> 8) % (FV_FUZZ_TASKS + 1) << 8;
    case FV_FUZZ_ROBUST:
      return value % (kArenaBytes - kRobustBytes) & ~uint64_t{7};
    case FV_FUZZ_SCHED:
      return value & 0xFFFFFFFF;
    case FV_FUZZ_SIGINFO:
    case FV_FUZZ_RLIMIT:
    case FV_FUZZ_WORD:
    case FV_FUZZ_CAPS:
      return value;
    case FV_FUZZ_TIMESPEC:
      return value == FV_FUZZ_NO_TIME ? value : value % (kMaxSleepNs + 1);
    case FV_FUZZ_SIGSET:
      return value & kMaskBits;
    case FV_FUZZ_SIGACTION: {
      const uint64_t handler = (value >> 32 & 0xFF) % 3;
      const uint64_t mask = value >> 40 & kMaskBits;
      return (value & kActionFlags) | handler << 32 | mask << 40;
    }
    case FV_FUZZ_STACK:
      // SS_ONSTACK, SS_DISABLE, SS_AUTODISARM.
      return (value & 0xFF) % FV_FUZZ_ARENA_PAGES | (value >> 8 & 7) << 8 |
             (value >> 32 & 0x80000003) << 32;
    case FV_FUZZ_IOVEC:
      return (value & 0xFFFFFFFF) % kArenaBytes | (value >> 32) % (kMaxCount + 1) << 32;
    default:
      return 0;
  }
}

class Repairer {
 public:
  explicit Repairer(Program& program) : program_(program) {}

  void Run() {
    auto& tasks = program_.tasks;
    if (tasks.empty()) tasks.emplace_back();
    if (tasks.size() > FV_FUZZ_TASKS) tasks.resize(FV_FUZZ_TASKS);
    for (TaskProgram& task : tasks) {
      std::erase_if(task.steps, [](const Step& step) { return FindCall(step.call) == nullptr; });
      if (task.steps.size() > FV_FUZZ_STEPS) task.steps.resize(FV_FUZZ_STEPS);
      // First of all: what a call gives to others follows from its arguments.
      for (Step& step : task.steps) step.arguments.resize(FindCall(step.call)->arguments.size());
    }
    RepairTree();
    for (size_t task = 0; task < tasks.size(); ++task) {
      for (size_t step = 0; step < tasks[task].steps.size(); ++step) {
        RepairStep(task, step, tasks[task].steps[step]);
      }
    }
    RepairTurns();
  }

 private:
  // Every task but the first is the child of one call; a call without a child to make goes.
  void RepairTree() {
    auto& tasks = program_.tasks;
    std::array<bool, FV_FUZZ_TASKS> made{};
    made[0] = true;
    for (size_t task = 0; task < tasks.size(); ++task) {
      std::erase_if(tasks[task].steps, [&](Step& step) {
        if (!FindCall(step.call)->Spawns()) return false;
        Argument& child = step.arguments.front();
        const uint64_t wanted = child.value;
        const bool possible = child.kind == ArgumentKind::kTask && wanted > task &&
                              wanted < tasks.size() && !made[wanted];
        if (possible) {
          made[wanted] = true;
          return false;
        }
        size_t next = task + 1;
        while (next < tasks.size() && made[next]) ++next;
        if (next >= tasks.size()) return true;
        child = {.kind = ArgumentKind::kTask, .value = next};
        made[next] = true;
        return false;
      });
    }
    DropUnmade(made);
  }

  // Tasks that no call makes go; the numbers of the others close up.
  void DropUnmade(const std::array<bool, FV_FUZZ_TASKS>& made) {
    auto& tasks = program_.tasks;
    std::array<uint8_t, 256> moved{};
    size_t kept = 0;
    for (size_t task = 0; task < tasks.size(); ++task) {
      if (!made[task]) continue;
      moved[task] = static_cast<uint8_t>(kept);
      if (kept != task) tasks[kept] = std::move(tasks[task]);
      ++kept;
    }
    if (kept == tasks.size()) return;
    tasks.resize(kept);
    for (uint8_t& turn : program_.turns) turn = moved[turn];
    for (TaskProgram& task : tasks) {
      for (Step& step : task.steps) {
        for (Argument& argument : step.arguments) Renumber(argument, moved);
      }
    }
  }

  static void Renumber(Argument& argument, const std::array<uint8_t, 256>& moved) {
    switch (argument.kind) {
      case ArgumentKind::kTask:
        argument.value = moved[argument.value & 0xFF];
        break;
      case ArgumentKind::kResult:
      case ArgumentKind::kOutput:
      case ArgumentKind::kPid:
        argument.task = moved[argument.task];
        break;
      default:
        break;
    }
  }

  void RepairStep(size_t task, size_t place, Step& step) {
    const CallSpec& call = *FindCall(step.call);
    for (size_t i = 0; i < call.arguments.size(); ++i) {
      RepairReference(task, place, step.arguments[i]);
      RepairArgument(call.arguments[i], step.arguments[i]);
    }
    // A descriptor, and pids are numbers of each kernel's own.
    if (step.call == SYS_waitid && step.arguments[0].value == P_PIDFD &&
        step.arguments[1].kind == ArgumentKind::kPid) {
      step.arguments[1] = Argument{};
    }
    if (step.call == SYS_process_vm_readv || step.call == SYS_process_vm_writev) {
      PartRanges(step.arguments[1].value, step.arguments[3].value);
    }
    // Who waits in vfork returns before or after the child's exit signal: if that one kills, what
    // becomes of the call is chance.
    if (call.Spawns() && step.arguments.size() > 2 &&
        (step.arguments[1].value & CLONE_VFORK) != 0) {
      step.arguments[2].value = SIGCHLD;
    }
  }

  // Where a copy overlaps itself, what it reads of what it wrote a few bytes ahead is the CPU's
  // business. The same pages may stand at several addresses: their offsets count.
  static void PartRanges(uint64_t iovec, uint64_t& other) {
    constexpr uint64_t kFewBytes = 64;
    constexpr uint64_t kInPage = FV_FUZZ_PAGE - 1;
    const uint64_t ahead = (other - iovec) & kInPage;
    if (ahead < kFewBytes || ahead > FV_FUZZ_PAGE - kFewBytes) {
      other = (other & ~kInPage) | (iovec & kInPage);
    }
  }

  // References name a step that there is, and not a later one of the same task.
  void RepairReference(size_t task, size_t place, Argument& argument) {
    if (argument.kind != ArgumentKind::kResult && argument.kind != ArgumentKind::kOutput) return;
    argument.task = static_cast<uint8_t>(argument.task % program_.tasks.size());
    const size_t steps = argument.task == task ? place : program_.tasks[argument.task].steps.size();
    if (steps == 0) {
      argument = Argument{};
    } else {
      argument.step = static_cast<uint8_t>(argument.step % steps);
    }
  }

  void RepairArgument(const ArgumentSpec& spec, Argument& argument) {
    using Kind = ArgumentKind;
    const uint64_t value = argument.value;
    const Argument constant{.kind = Kind::kConst, .value = value};
    switch (spec.type) {
      case ArgumentType::kChoice:
      case ArgumentType::kSignal:
        argument = constant;
        argument.value = RepairedChoice(spec.names, value);
        return;
      case ArgumentType::kFlags:
        argument = constant;
        argument.value = value & AllFlags(spec.names);
        return;
      case ArgumentType::kAddress:
        if (argument.kind == Kind::kResult && ReturnsAddress(argument)) {
          argument.value = value % kArenaBytes;
        } else {
          argument = {.kind = Kind::kArena, .value = value % kArenaBytes};
        }
        return;
      case ArgumentType::kBreak:
        argument = {.kind = Kind::kBreak, .value = value % (kBreakBytes + 1)};
        return;
      case ArgumentType::kSize:
        argument = constant;
        argument.value = RepairedSize(value);
        return;
      case ArgumentType::kCount:
        argument = constant;
        argument.value = value % (kMaxCount + 1);
        return;
      case ArgumentType::kWord:
        argument = constant;
        return;
      case ArgumentType::kFd:
        RepairFd(argument);
        return;
      case ArgumentType::kTimer:
        if (argument.kind == Kind::kOutput && GivesTimer(argument)) {
          argument.value = 0;
        } else {
          argument = {.value = value % (kMaxTimer + 1)};
        }
        return;
      case ArgumentType::kPid:
      case ArgumentType::kGroup:
        RepairPid(spec, argument);
        return;
      case ArgumentType::kTask:
        return;
      case ArgumentType::kStructure:
        argument = {.kind = Kind::kStructure,
                    .task = static_cast<uint8_t>(spec.structure),
                    .value = RepairedStructure(spec.structure, value)};
        return;
    }
  }

  ResultType ResultOf(const Argument& argument) const {
    const Step& step = program_.tasks[argument.task].steps[argument.step];
    return FindCall(step.call)->result;
  }
  bool GivesTimer(const Argument& argument) const {
    const Step& step = program_.tasks[argument.task].steps[argument.step];
    return FindCall(step.call)->gives == Gives::kTimer;
  }
  bool ReturnsAddress(const Argument& argument) const {
    return ResultOf(argument) == ResultType::kAddress;
  }
  bool ReturnsTask(const Argument& argument) const {
    return ResultOf(argument) == ResultType::kTask;
  }

  // A time, say, or a thread's id.
  bool OutputIsTheKernelsOwn(const Argument& argument) const {
    const Step& step = program_.tasks[argument.task].steps[argument.step];
    const CallSpec& call = *FindCall(step.call);
    const bool is_pidfd =
        call.Spawns() && step.arguments.size() > 1 && (step.arguments[1].value & CLONE_PIDFD) != 0;
    return call.output == OutputType::kNone && !is_pidfd;
  }

  void RepairFd(Argument& argument) const {
    if ((argument.kind == ArgumentKind::kResult && ReturnsTask(argument)) ||
        (argument.kind == ArgumentKind::kOutput && OutputIsTheKernelsOwn(argument))) {
      argument.kind = ArgumentKind::kConst;  // each kernel has numbers of its own
    }
    switch (argument.kind) {
      case ArgumentKind::kResult:
        argument.value = 0;
        return;
      case ArgumentKind::kOutput:
        argument.value %= 2;
        return;
      default: {
        const uint64_t value = argument.value;
        argument = {.value = value == ~uint64_t{0} ? value : value % (kMaxFd + 1)};
      }
    }
  }

  // Processes are named as tasks: a program must not reach others that may run beside it.
  void RepairPid(const ArgumentSpec& spec, Argument& argument) {
    const bool group = spec.type == ArgumentType::kGroup;
    if (argument.kind == ArgumentKind::kConst) {
      argument = {.value = group ? RepairedChoice(spec.names, argument.value) : 0};
      return;
    }
    const bool negative = group && argument.value == ~uint64_t{0};
    argument = {.kind = ArgumentKind::kPid,
                .task = static_cast<uint8_t>(argument.task % program_.tasks.size()),
                .value = negative ? ~uint64_t{0} : 1};
  }

  void RepairTurns() {
    auto& turns = program_.turns;
    const size_t tasks = program_.tasks.size();
    for (uint8_t& turn : turns) turn = static_cast<uint8_t>(turn % tasks);
    if (turns.size() > FV_FUZZ_TURNS - tasks) turns.resize(FV_FUZZ_TURNS - tasks);
    for (size_t task = 0; task < tasks; ++task) {
      if (std::find(turns.begin(), turns.end(), task) == turns.end()) {
        turns.push_back(static_cast<uint8_t>(task));
      }
    }
  }

  Program& program_;
};

}  // namespace

size_t Program::Steps() const {
  size_t steps = 0;
  for (const TaskProgram& task : tasks) steps += task.steps.size();
  return steps;
}

void Repair(Program& program) {
  // A task whose creator went with another task's creator goes in the next round.
  for (;;) {
    const size_t tasks = program.tasks.size();
    Repairer(program).Run();
    if (program.tasks.size() == tasks) return;
  }
}

bool IsValid(const Program& program) {
  Program repaired = program;
  Repair(repaired);
  return repaired == program;
}

std::optional<StepPlace> CreatorOf(const Program& program, size_t child) {
  for (size_t task = 0; task < program.tasks.size(); ++task) {
    const auto& steps = program.tasks[task].steps;
    for (size_t step = 0; step < steps.size(); ++step) {
      if (!FindCall(steps[step].call)->Spawns()) continue;
      if (steps[step].arguments.front().value == child) return StepPlace{task, step};
    }
  }
  return std::nullopt;
}

}  // namespace fv::fuzz
