// SPDX-License-Identifier: Apache-2.0
#include "src/fuzz/mutate.h"

#include <utility>
#include <vector>

#include "src/fuzz/calls.h"
#include "src/fuzz/random_argument.h"
#include "src/fuzz/step_edits.h"

namespace fv::fuzz {
namespace {

using Kind = ArgumentKind;

// CLONE_THREAD wants CLONE_SIGHAND, which wants CLONE_VM: most programs should get that far.
uint64_t ClosedCloneFlags(uint64_t flags) {
  constexpr uint64_t kThread = 0x10000, kSighand = 0x800, kVm = 0x100;
  if ((flags & kThread) != 0) flags |= kSighand;
  if ((flags & kSighand) != 0) flags |= kVm;
  return flags;
}

const CallSpec& RandomCall(Random& random, const Grammar& grammar) {
  static const unsigned kTotal = [] {
    unsigned total = 0;
    for (const CallSpec& call : Calls()) total += call.weight;
    return total;
  }();
  for (;;) {
    uint64_t left = random.Below(kTotal);
    for (const CallSpec& call : Calls()) {
      if (left < call.weight) {
        if (!grammar.guest_calls && call.compared == Compared::kGuestOnly) break;
        return call;
      }
      left -= call.weight;
    }
  }
}

Step RandomStep(const Program& program, size_t task, size_t place, Random& random,
                const Grammar& grammar) {
  const CallSpec& call = RandomCall(random, grammar);
  Step step{.call = call.number, .arguments = {}};
  for (const ArgumentSpec& spec : call.arguments) {
    step.arguments.push_back(RandomArgument(spec, program, task, place, random));
  }
  if (call.Spawns() && step.arguments.size() > 1) {
    step.arguments[1].value = ClosedCloneFlags(step.arguments[1].value);
  }
  return step;
}

// What a recipe says of an argument, where it says something.
void TakeWanted(const RecipeArgument& wanted, size_t child, size_t self,
                const std::vector<StepPlace>& places, const ArgumentSpec& spec,
                Argument& argument) {
  const auto earlier = [&](Kind kind) {
    const StepPlace& place = places[wanted.step];
    argument = {.kind = kind,
                .task = static_cast<uint8_t>(place.task),
                .step = static_cast<uint8_t>(place.step),
                .value = wanted.value};
  };
  switch (wanted.kind) {
    case RecipeArgument::Kind::kAny:
      return;
    case RecipeArgument::Kind::kValue:
      argument.kind = spec.type == ArgumentType::kStructure ? Kind::kStructure : Kind::kConst;
      argument.value = wanted.value;
      return;
    case RecipeArgument::Kind::kArena:
      argument = {.kind = Kind::kArena, .value = wanted.value};
      return;
    case RecipeArgument::Kind::kResult:
      return earlier(Kind::kResult);
    case RecipeArgument::Kind::kOutput:
      return earlier(Kind::kOutput);
    case RecipeArgument::Kind::kSelf:
      argument = {.kind = Kind::kPid, .task = static_cast<uint8_t>(self), .value = 1};
      return;
    case RecipeArgument::Kind::kChild:
      argument = {.kind = Kind::kPid, .task = static_cast<uint8_t>(child), .value = 1};
      return;
  }
}

void InsertStep(Program& program, Random& random, const Grammar& grammar) {
  const size_t task = random.Below(program.tasks.size());
  const size_t place = random.Below(program.tasks[task].steps.size() + 1);
  Step step = RandomStep(program, task, place, random, grammar);
  if (FindCall(step.call)->Spawns()) {
    if (program.tasks.size() >= FV_FUZZ_TASKS) return;
    const size_t child = program.tasks.size();
    step.arguments.front() = {.kind = Kind::kTask, .value = child};
    InsertStepAt(program, {task, place}, std::move(step));
    program.tasks.emplace_back();
    for (uint64_t i = random.Below(4); i > 0; --i) {
      const size_t end = program.tasks[child].steps.size();
      Step inner = RandomStep(program, child, end, random, grammar);
      if (!FindCall(inner.call)->Spawns()) program.tasks[child].steps.push_back(std::move(inner));
    }
    return;
  }
  InsertStepAt(program, {task, place}, std::move(step));
}

// A step of a recipe; `places` are those of the steps before it.
Step StepOf(const RecipeStep& from, const Program& program, size_t child, StepPlace at,
            const std::vector<StepPlace>& places, Random& random) {
  const CallSpec& call = *FindCall(from.call);
  Step step{.call = call.number, .arguments = {}};
  for (size_t i = 0; i < call.arguments.size(); ++i) {
    const ArgumentSpec& spec = call.arguments[i];
    Argument argument = RandomArgument(spec, program, at.task, at.step, random);
    if (spec.type == ArgumentType::kTask) {
      argument = {.kind = Kind::kTask, .value = child};
    } else if (i < from.arguments.size()) {
      TakeWanted(from.arguments[i], child, at.task, places, spec, argument);
    }
    step.arguments.push_back(argument);
  }
  return step;
}

void InsertAnyRecipe(Program& program, Random& random, const Grammar& grammar) {
  const std::span<const Recipe> recipes = Recipes();
  const Recipe& recipe = recipes[random.Below(recipes.size())];
  if (!grammar.guest_calls && IsForGuests(recipe)) return;
  InsertRecipe(program, recipe, random);
}

// A random step that there is; false if the program has none.
bool PickStep(const Program& program, Random& random, StepPlace& place) {
  const size_t steps = program.Steps();
  if (steps == 0) return false;
  size_t left = random.Below(steps);
  for (size_t task = 0; task < program.tasks.size(); ++task) {
    const size_t own = program.tasks[task].steps.size();
    if (left < own) {
      place = {task, left};
      return true;
    }
    left -= own;
  }
  return false;
}

void RemoveStep(Program& program, Random& random) {
  StepPlace place;
  if (PickStep(program, random, place)) RemoveStepAt(program, place);
}

void ChangeArgument(Program& program, Random& random) {
  StepPlace place;
  if (!PickStep(program, random, place)) return;
  Step& step = program.tasks[place.task].steps[place.step];
  const CallSpec& call = *FindCall(step.call);
  if (call.arguments.empty()) return;
  const size_t i = random.Below(call.arguments.size());
  if (call.arguments[i].type == ArgumentType::kTask) return;
  step.arguments[i] = RandomArgument(call.arguments[i], program, place.task, place.step, random);
}

void MoveStep(Program& program, Random& random) {
  StepPlace from;
  if (!PickStep(program, random, from)) return;
  auto& steps = program.tasks[from.task].steps;
  std::swap(steps[from.step], steps[random.Below(steps.size())]);
}

void CopyStep(Program& program, Random& random) {
  StepPlace from;
  if (!PickStep(program, random, from)) return;
  const Step step = program.tasks[from.task].steps[from.step];
  if (FindCall(step.call)->Spawns()) return;
  auto& steps = program.tasks[random.Below(program.tasks.size())].steps;
  steps.insert(steps.begin() + static_cast<ptrdiff_t>(random.Below(steps.size() + 1)), step);
}

void ChangeTurns(Program& program, Random& random) {
  auto& turns = program.turns;
  if (turns.empty() || random.OneIn(8)) {
    turns.clear();
    for (uint64_t i = random.Below(16); i > 0; --i) {
      turns.push_back(static_cast<uint8_t>(random.Below(program.tasks.size())));
    }
  } else if (random.OneIn(2)) {
    turns[random.Below(turns.size())] = static_cast<uint8_t>(random.Below(program.tasks.size()));
  } else {
    turns.insert(turns.begin() + static_cast<ptrdiff_t>(random.Below(turns.size() + 1)),
                 static_cast<uint8_t>(random.Below(program.tasks.size())));
  }
}

void MutateOnce(Program& program, Random& random, const Grammar& grammar) {
  switch (random.Below(18)) {
    case 0:
    case 1:
      return RemoveStep(program, random);
    case 2:
    case 3:
    case 4:
    case 5:
      return ChangeArgument(program, random);
    case 6:
      return MoveStep(program, random);
    case 7:
      return CopyStep(program, random);
    case 8:
      return ChangeTurns(program, random);
    case 9:
      if (grammar.free_order) {
        program.order = program.order == Order::kFree ? Order::kTurns : Order::kFree;
      }
      return;
    case 10:
    case 11:
      return InsertAnyRecipe(program, random, grammar);
    default:
      return InsertStep(program, random, grammar);
  }
}

}  // namespace

bool InsertRecipe(Program& program, const Recipe& recipe, Random& random) {
  const size_t host = random.Below(program.tasks.size());
  const bool has_child = HasChild(recipe);
  if (has_child && program.tasks.size() >= FV_FUZZ_TASKS) return false;
  const size_t child = program.tasks.size();
  if (has_child) program.tasks.emplace_back();
  const size_t size = program.tasks[host].steps.size();
  size_t next = random.OneIn(2) ? size : random.Below(size + 1);
  std::vector<StepPlace> places;  // of the recipe's steps
  for (const RecipeStep& from : recipe.steps) {
    const StepPlace at = from.task == 0 ? StepPlace{host, next++}
                                        : StepPlace{child, program.tasks[child].steps.size()};
    Step step = StepOf(from, program, child, at, places, random);
    InsertStepAt(program, at, std::move(step));
    places.push_back(at);
  }
  return true;
}

Program RandomProgram(Random& random, const Grammar& grammar) {
  Program program;
  program.order = grammar.free_order ? Order::kFree : Order::kTurns;
  program.tasks.emplace_back();
  for (uint64_t i = random.Below(3); i > 0; --i) InsertAnyRecipe(program, random, grammar);
  const uint64_t most = program.Steps() == 0 ? 12 : 6;
  for (uint64_t i = 4 + random.Below(most); i > 0; --i) InsertStep(program, random, grammar);
  Repair(program);
  return program;
}

void Mutate(Program& program, Random& random, const Grammar& grammar) {
  for (uint64_t i = 1 + random.Below(4); i > 0; --i) MutateOnce(program, random, grammar);
  if (!grammar.free_order) program.order = Order::kTurns;
  Repair(program);
}

Program Crossover(const Program& a, const Program& b, Random& random) {
  Program child = a;
  const auto& donor = b.tasks[random.Below(b.tasks.size())].steps;
  auto& steps = child.tasks[random.Below(child.tasks.size())].steps;
  if (!donor.empty()) {
    const size_t from = random.Below(donor.size());
    const size_t count = 1 + random.Below(donor.size() - from);
    const size_t at = random.Below(steps.size() + 1);
    steps.insert(steps.begin() + static_cast<ptrdiff_t>(at),
                 donor.begin() + static_cast<ptrdiff_t>(from),
                 donor.begin() + static_cast<ptrdiff_t>(from + count));
  }
  // The donor's children come along as far as there is room.
  for (const TaskProgram& task : b.tasks) {
    if (child.tasks.size() < FV_FUZZ_TASKS && random.OneIn(2)) child.tasks.push_back(task);
  }
  Repair(child);
  return child;
}

}  // namespace fv::fuzz
