// SPDX-License-Identifier: Apache-2.0
//
// A fuzz program: a tree of tasks, each with a list of calls whose arguments may name what earlier
// calls gave. Plain data; Repair makes any such data a valid bounded program, and what all other
// parts take is valid. docs/fuzzing.md is for users.
//
// Valid means:
//   - at most FV_FUZZ_TASKS tasks with at most FV_FUZZ_STEPS calls each (encoding.h);
//   - every call is one of calls.h, with arguments that its row permits;
//   - task 0 is nobody's child; every other task is the child of exactly one call, of a task before
//     it, so that no input makes more tasks than it has;
//   - turns name tasks, and every task.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "src/fuzz/encoding.h"

namespace fv::fuzz {

enum class ArgumentKind : uint8_t {
  kConst = FV_FUZZ_CONST,
  kResult = FV_FUZZ_RESULT,
  kOutput = FV_FUZZ_OUTPUT,
  kArena = FV_FUZZ_ARENA_AT,
  kBreak = FV_FUZZ_BREAK_AT,
  kPid = FV_FUZZ_PID,
  kStructure = FV_FUZZ_STRUCTURE,
  kTask = FV_FUZZ_TASK,
};

// As FvFuzzArgument.
struct Argument {
  ArgumentKind kind = ArgumentKind::kConst;
  uint8_t task = 0;
  uint8_t step = 0;
  uint64_t value = 0;
  bool operator==(const Argument&) const = default;
};

struct Step {
  uint16_t call = 0;  // a number of calls.h
  std::vector<Argument> arguments;
  bool operator==(const Step&) const = default;
};

struct TaskProgram {
  std::vector<Step> steps;
  bool operator==(const TaskProgram&) const = default;
};

enum class Order : uint8_t {
  kFree,   // tasks run as the scheduler likes
  kTurns,  // one call at a time, in the order of `turns`: results are the same on every kernel
};

struct Program {
  Order order = Order::kTurns;
  std::vector<uint8_t> turns;
  std::vector<TaskProgram> tasks;
  bool operator==(const Program&) const = default;

  size_t Steps() const;
};

// Makes `program` valid. Does nothing to one that is.
void Repair(Program& program);
bool IsValid(const Program& program);

// The bytes that the executor reads; `limit_ms` as FvFuzzHeader has it. `program` is valid.
std::string Encode(const Program& program, uint32_t limit_ms = 0);
// The FvFuzzStep::flags of a step of a valid program.
uint32_t StepFlags(const Step& step);
// The program of any bytes: what Encode gave, or what can be made of them. Valid.
Program Decode(std::span<const uint8_t> bytes);

// The call of which task `child` is the child; nullopt for task 0. `program` is valid.
struct StepPlace {
  size_t task = 0;
  size_t step = 0;
};
std::optional<StepPlace> CreatorOf(const Program& program, size_t child);

}  // namespace fv::fuzz
