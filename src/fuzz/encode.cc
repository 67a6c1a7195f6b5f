// SPDX-License-Identifier: Apache-2.0
//
// Programs to and from the executor's bytes.
#include <linux/futex.h>
#include <sched.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>

#include <algorithm>
#include <cstddef>
#include <cstring>

#include "src/fuzz/calls.h"
#include "src/fuzz/program.h"

namespace fv::fuzz {
namespace {

constexpr size_t kTurnAlign = 8;

template <typename T>
void Append(std::string& bytes, const T& object) {
  bytes.append(reinterpret_cast<const char*>(&object), sizeof(object));
}

bool HasFlag(const CallSpec& call, const Step& step, uint64_t flag) {
  for (size_t i = 0; i < call.arguments.size(); ++i) {
    if (call.arguments[i].type == ArgumentType::kFlags && (step.arguments[i].value & flag) != 0) {
      return true;
    }
  }
  return false;
}

enum class Wait : uint8_t { kNone, kTimed, kEndless };

// How long a call waits for others at most. `time` is the place of its timeout.
Wait ByTimeout(const Step& step, size_t time) {
  return step.arguments[time].value == FV_FUZZ_NO_TIME ? Wait::kEndless : Wait::kTimed;
}

Wait WaitOf(const CallSpec& call, const Step& step) {
  switch (call.number) {
    case SYS_wait4:
    case SYS_waitid:
      return HasFlag(call, step, WNOHANG) ? Wait::kNone : Wait::kEndless;
    case SYS_futex: {
      const uint64_t op = step.arguments[1].value & FUTEX_CMD_MASK;
      return op == FUTEX_WAIT || op == FUTEX_WAIT_BITSET ? ByTimeout(step, 3) : Wait::kNone;
    }
    case SYS_rt_sigtimedwait:
      return ByTimeout(step, 2);
    case SYS_nanosleep:
      return Wait::kTimed;
    case SYS_clock_nanosleep: {
      // Processor time does not pass in a sleep.
      const uint64_t clock = step.arguments[0].value;
      const bool passes = clock == CLOCK_REALTIME || clock == CLOCK_MONOTONIC;
      return passes ? Wait::kTimed : Wait::kEndless;
    }
    default:
      return call.blocking == Blocking::kMayBlock ? Wait::kEndless : Wait::kNone;
  }
}

// Takes objects off the front; zeros behind the end.
class Reader {
 public:
  explicit Reader(std::span<const uint8_t> bytes) : bytes_(bytes) {}
  template <typename T>
  T Take() {
    T object{};
    const size_t size = std::min(sizeof(T), bytes_.size());
    if (size != 0) std::memcpy(&object, bytes_.data(), size);
    bytes_ = bytes_.subspan(size);
    return object;
  }
  bool empty() const { return bytes_.empty(); }

 private:
  std::span<const uint8_t> bytes_;
};

Step TakeStep(Reader& reader, const FvFuzzStep& head) {
  Step step{.call = head.call, .arguments = {}};
  const auto calls = Calls();
  if (FindCall(head.call) == nullptr) step.call = calls[head.call % calls.size()].number;
  for (unsigned i = 0; i < head.arguments % (FV_FUZZ_ARGUMENTS + 1); ++i) {
    const auto from = reader.Take<FvFuzzArgument>();
    step.arguments.push_back({.kind = static_cast<ArgumentKind>(from.kind % FV_FUZZ_KINDS),
                              .task = from.task,
                              .step = from.step,
                              .value = from.value});
  }
  return step;
}

}  // namespace

uint32_t StepFlags(const Step& step) {
  const CallSpec& call = *FindCall(step.call);
  if (call.Spawns()) {
    const bool waits = call.number == SYS_vfork || HasFlag(call, step, CLONE_VFORK);
    return waits ? FV_FUZZ_BLOCKS | FV_FUZZ_VFORKS : 0;
  }
  switch (WaitOf(call, step)) {
    case Wait::kEndless:
      return FV_FUZZ_BLOCKS;
    case Wait::kTimed:
      return FV_FUZZ_SLEEPS;
    default:
      break;
  }
  return SendsSignal(call) ? FV_FUZZ_SETTLES : 0;
}

std::string Encode(const Program& program, uint32_t limit_ms) {
  std::string bytes;
  Append(bytes,
         FvFuzzHeader{
             .magic = FV_FUZZ_MAGIC,
             .flags = static_cast<uint8_t>(program.order == Order::kTurns ? FV_FUZZ_TURNWISE : 0),
             .tasks = static_cast<uint8_t>(program.tasks.size()),
             .turns = static_cast<uint8_t>(program.turns.size()),
             .steps = static_cast<uint8_t>(program.Steps()),
             .bytes = 0,
             .limit_ms = limit_ms,
         });
  bytes.append(program.turns.begin(), program.turns.end());
  bytes.resize((bytes.size() + kTurnAlign - 1) / kTurnAlign * kTurnAlign);
  for (size_t task = 0; task < program.tasks.size(); ++task) {
    for (const Step& step : program.tasks[task].steps) {
      Append(bytes, FvFuzzStep{.call = step.call,
                               .task = static_cast<uint8_t>(task),
                               .arguments = static_cast<uint8_t>(step.arguments.size()),
                               .flags = StepFlags(step)});
      for (const Argument& argument : step.arguments) {
        Append(bytes, FvFuzzArgument{.kind = static_cast<uint8_t>(argument.kind),
                                     .task = argument.task,
                                     .step = argument.step,
                                     .reserved = {},
                                     .value = argument.value});
      }
    }
  }
  const auto size = static_cast<uint32_t>(bytes.size());
  std::memcpy(&bytes[offsetof(FvFuzzHeader, bytes)], &size, sizeof(size));
  return bytes;
}

Program Decode(std::span<const uint8_t> bytes) {
  Reader reader(bytes);
  const auto header = reader.Take<FvFuzzHeader>();
  Program program;
  program.order = (header.flags & FV_FUZZ_TURNWISE) != 0 ? Order::kTurns : Order::kFree;
  program.tasks.resize(header.tasks % (FV_FUZZ_TASKS + 1));
  const size_t turns = header.turns % (FV_FUZZ_TURNS + 1);
  for (size_t i = 0; i < (turns + kTurnAlign - 1) / kTurnAlign * kTurnAlign; ++i) {
    const auto turn = reader.Take<uint8_t>();
    if (i < turns) program.turns.push_back(turn % FV_FUZZ_TASKS);
  }
  for (unsigned i = 0; i < FV_FUZZ_TASKS * FV_FUZZ_STEPS && !reader.empty(); ++i) {
    const auto head = reader.Take<FvFuzzStep>();
    const size_t task = head.task % FV_FUZZ_TASKS;
    if (program.tasks.size() <= task) program.tasks.resize(task + 1);
    program.tasks[task].steps.push_back(TakeStep(reader, head));
  }
  Repair(program);
  return program;
}

}  // namespace fv::fuzz
