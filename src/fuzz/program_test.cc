// SPDX-License-Identifier: Apache-2.0
#include "src/fuzz/program.h"

#include <gtest/gtest.h>
#include <sched.h>

#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "src/fuzz/calls.h"
#include "src/fuzz/mutate.h"
#include "src/fuzz/recipes.h"
#include "src/fuzz/text.h"

namespace fv::fuzz {
namespace {

constexpr int kRounds = 2000;

std::span<const uint8_t> Bytes(const std::string& text) {
  return {reinterpret_cast<const uint8_t*>(text.data()), text.size()};
}

// The promises of program.h, counted here in another way than Repair does it.
void ExpectBounded(const Program& program) {
  ASSERT_FALSE(program.tasks.empty());
  ASSERT_LE(program.tasks.size(), size_t{FV_FUZZ_TASKS});
  std::multiset<uint64_t> children;
  for (size_t task = 0; task < program.tasks.size(); ++task) {
    ASSERT_LE(program.tasks[task].steps.size(), size_t{FV_FUZZ_STEPS});
    for (const Step& step : program.tasks[task].steps) {
      const CallSpec* call = FindCall(step.call);
      ASSERT_NE(call, nullptr);
      ASSERT_EQ(step.arguments.size(), call->arguments.size());
      if (!call->Spawns()) continue;
      ASSERT_GT(step.arguments[0].value, task);
      children.insert(step.arguments[0].value);
    }
  }
  ASSERT_EQ(children.size(), program.tasks.size() - 1);
  for (size_t task = 1; task < program.tasks.size(); ++task) ASSERT_EQ(children.count(task), 1u);
  ASSERT_LE(Encode(program).size(), size_t{FV_FUZZ_MAX_BYTES});
}

TEST(Program, AnyBytesAreAValidProgram) {
  Random random(1);
  for (int round = 0; round < kRounds; ++round) {
    std::vector<uint8_t> bytes(random.Below(600));
    for (uint8_t& byte : bytes) byte = static_cast<uint8_t>(random.Next());
    const Program program = Decode(bytes);
    ExpectBounded(program);
    ASSERT_TRUE(IsValid(program)) << ToText(program);
  }
  EXPECT_TRUE(IsValid(Decode({})));
}

TEST(Program, BytesGiveTheProgramBack) {
  Random random(2);
  for (int round = 0; round < kRounds; ++round) {
    const Program program = RandomProgram(random, {});
    ASSERT_EQ(Decode(Bytes(Encode(program, 9))), program) << ToText(program);
  }
}

TEST(Program, CutAndChangedBytesAreAValidProgram) {
  Random random(3);
  for (int round = 0; round < kRounds; ++round) {
    std::string bytes = Encode(RandomProgram(random, {}));
    bytes[random.Below(bytes.size())] = static_cast<char>(random.Next());
    bytes.resize(random.Below(bytes.size() + 1));
    const Program program = Decode(Bytes(bytes));
    ExpectBounded(program);
    ASSERT_TRUE(IsValid(program)) << ToText(program);
  }
}

TEST(Program, MutationKeepsItValid) {
  Random random(4);
  Program program = RandomProgram(random, {});
  Program other = RandomProgram(random, {});
  std::set<uint16_t> seen;
  for (int round = 0; round < kRounds; ++round) {
    Mutate(program, random, {});
    if (random.OneIn(4)) program = Crossover(program, other, random);
    if (random.OneIn(20)) std::swap(program, other);
    ExpectBounded(program);
    ASSERT_TRUE(IsValid(program)) << ToText(program);
    for (const TaskProgram& task : program.tasks) {
      for (const Step& step : task.steps) seen.insert(step.call);
    }
  }
  EXPECT_EQ(seen.size(), Calls().size()) << "calls that mutation never chooses";
}

// The next step of its task is what the recipe wants.
void ExpectSame(const RecipeStep& from, const Program& program, size_t (&next)[2]) {
  const Step& step = program.tasks[from.task].steps[next[from.task]++];
  SCOPED_TRACE(StepText(step));
  ASSERT_EQ(FindCall(step.call)->name, from.call);
  ASSERT_LE(from.arguments.size(), step.arguments.size());
  for (size_t i = 0; i < from.arguments.size(); ++i) {
    using Kind = RecipeArgument::Kind;
    const Argument& argument = step.arguments[i];
    switch (from.arguments[i].kind) {
      case Kind::kAny:
        break;
      case Kind::kResult:
        EXPECT_EQ(argument.kind, ArgumentKind::kResult);
        break;
      case Kind::kOutput:
        EXPECT_EQ(argument.kind, ArgumentKind::kOutput);
        break;
      case Kind::kSelf:
      case Kind::kChild:
        EXPECT_EQ(argument.kind, ArgumentKind::kPid);
        EXPECT_EQ(argument.task, from.arguments[i].kind == Kind::kSelf ? from.task : 1u);
        break;
      default:
        EXPECT_EQ(argument.value, from.arguments[i].value);
    }
  }
}

TEST(Program, RecipesAreKeptAsTheyAre) {
  Random random(8);
  for (const Recipe& recipe : Recipes()) {
    SCOPED_TRACE(recipe.name);
    Program program;
    program.tasks.emplace_back();
    ASSERT_TRUE(InsertRecipe(program, recipe, random));
    Repair(program);
    ASSERT_EQ(program.Steps(), recipe.steps.size());
    ASSERT_EQ(program.tasks.size(), HasChild(recipe) ? 2u : 1u);
    size_t next[2] = {};
    for (const RecipeStep& from : recipe.steps) ExpectSame(from, program, next);
  }
}

TEST(Program, CallsOfGuestsAloneAreLeftOutWhereTheyCannotBeCompared) {
  Random random(9);
  const Grammar grammar{.free_order = false, .guest_calls = false};
  Program program = RandomProgram(random, grammar);
  for (int round = 0; round < 200; ++round) {
    for (const TaskProgram& task : program.tasks) {
      for (const Step& step : task.steps) {
        ASSERT_EQ(FindCall(step.call)->compared, Compared::kYes) << StepText(step);
      }
    }
    Mutate(program, random, grammar);
  }
}

TEST(Program, TheSameSeedGivesTheSameProgram) {
  Random a(5), b(5), c(6);
  EXPECT_EQ(RandomProgram(a, {}), RandomProgram(b, {}));
  EXPECT_NE(RandomProgram(a, {}), RandomProgram(c, {}));
}

TEST(Program, TurnsAloneAreChosenWhereFreeOrderIsNot) {
  Random random(7);
  const Grammar turns{.free_order = false};
  Program program = RandomProgram(random, turns);
  for (int round = 0; round < 200; ++round) {
    ASSERT_EQ(program.order, Order::kTurns);
    Mutate(program, random, turns);
  }
}

TEST(Repair, ForksAreNoBomb) {
  // A task that forks itself, its creator, and a task that another call makes already.
  Program program;
  program.tasks.resize(3);
  for (const uint64_t child : {1, 1, 0, 7}) {
    Step fork{.call = FindCall("fork")->number, .arguments = {}};
    fork.arguments.push_back({.kind = ArgumentKind::kTask, .value = child});
    program.tasks[1].steps.push_back(fork);
    program.tasks[0].steps.push_back(fork);
  }
  Repair(program);
  ExpectBounded(program);
  EXPECT_EQ(program.tasks.size(), 3u);
}

TEST(Repair, ProcessesAreNamedAsTasks) {
  Program program;
  program.tasks.resize(1);
  Step kill{.call = FindCall("kill")->number, .arguments = {}};
  kill.arguments.push_back({.value = ~uint64_t{0}});  // kill(-1)
  kill.arguments.push_back({.value = 9});
  program.tasks[0].steps.push_back(kill);
  Repair(program);
  EXPECT_EQ(program.tasks[0].steps[0].arguments[0].value, 0u);
}

TEST(Repair, WhatTheKernelChoseIsNoDescriptor) {
  const Step read{.call = FindCall("read")->number,
                  .arguments = {{.kind = ArgumentKind::kOutput}, {}, {}}};
  const auto kind_behind = [&read](std::string_view name, std::vector<Argument> arguments) {
    Program program;
    program.tasks.resize(2);
    program.tasks[0].steps = {{.call = FindCall(name)->number, .arguments = std::move(arguments)},
                              read};
    Repair(program);
    return program.tasks[0].steps[1].arguments[0].kind;
  };
  const Argument child{.kind = ArgumentKind::kTask, .value = 1};
  EXPECT_EQ(kind_behind("clock_gettime", {}), ArgumentKind::kConst);
  EXPECT_EQ(kind_behind("clone", {child, {.value = CLONE_PARENT_SETTID}, {}}),
            ArgumentKind::kConst);
  EXPECT_EQ(kind_behind("clone", {child, {.value = CLONE_PIDFD}, {}}), ArgumentKind::kOutput);
  EXPECT_EQ(kind_behind("pipe2", {}), ArgumentKind::kOutput);
}

// Arguments that a call does not have say nothing of it.
TEST(Repair, ATaskMadeLaterByVforkGivesNoDescriptor) {
  Program program;
  program.tasks.resize(3);
  const auto child = [](uint64_t task) {
    return Argument{.kind = ArgumentKind::kTask, .value = task};
  };
  const Step read{.call = FindCall("read")->number,
                  .arguments = {{.kind = ArgumentKind::kOutput, .task = 1}, {}, {}}};
  const uint16_t vfork = FindCall("vfork")->number;
  program.tasks[0].steps = {{.call = vfork, .arguments = {child(1)}}, read};
  program.tasks[1].steps = {{.call = vfork, .arguments = {child(2), {.value = CLONE_PIDFD}}}};
  Repair(program);
  EXPECT_TRUE(IsValid(program)) << ToText(program);
}

TEST(Repair, CopiesDoNotOverlapByAFewBytes) {
  Random random(8);
  Program program;
  program.tasks.resize(1);
  const auto offset = [](const Argument& iovec) { return iovec.value % FV_FUZZ_PAGE; };
  for (int round = 0; round < kRounds; ++round) {
    const Step copy{
        .call = FindCall(round % 2 == 0 ? "process_vm_readv" : "process_vm_writev")->number,
        .arguments = {{}, {.value = random.Next()}, {}, {.value = random.Next()}}};
    program.tasks[0].steps = {copy};
    Repair(program);
    const auto& arguments = program.tasks[0].steps[0].arguments;
    const uint64_t ahead = (offset(arguments[3]) - offset(arguments[1])) % FV_FUZZ_PAGE;
    ASSERT_TRUE(ahead == 0 || (ahead >= 64 && ahead <= FV_FUZZ_PAGE - 64)) << ahead;
  }
}

}  // namespace
}  // namespace fv::fuzz
