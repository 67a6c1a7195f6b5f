// SPDX-License-Identifier: Apache-2.0
#include "src/fuzz/random_argument.h"

#include <algorithm>
#include <cstdint>

namespace fv::fuzz {
namespace {

using Kind = ArgumentKind;

constexpr uint64_t kWords[] = {0, 1, 2, 3, 0x41414141, ~uint64_t{0}};
constexpr uint64_t kCounts[] = {1, 8, 100, FV_FUZZ_PAGE, FV_FUZZ_PAGE + 1, 2 * FV_FUZZ_PAGE, 0};
constexpr uint64_t kSleeps[] = {0, 1000, 100'000, FV_FUZZ_NO_TIME, FV_FUZZ_NO_TIME};
// Pages where something is: the mappings that a program starts with, and their edges.
constexpr uint64_t kBusyPages[] = {0, 1, 2, 3, 4, 7, 8, 9, 11, 12, 29, 30, 31, 32, 33, 34};

template <typename T, size_t N>
uint64_t PickFrom(Random& random, const T (&values)[N]) {
  return values[random.Below(N)];
}

uint64_t RandomPage(Random& random) {
  return random.OneIn(4) ? random.Below(FV_FUZZ_ARENA_PAGES) : PickFrom(random, kBusyPages);
}

uint64_t RandomFlags(const ArgumentSpec& spec, Random& random) {
  if (random.OneIn(3)) return spec.usual;
  uint64_t flags = random.OneIn(6) ? 0 : spec.usual;
  for (uint64_t changes = 1 + random.Below(4); changes > 0; --changes) {
    flags ^= spec.names[random.Below(spec.names.size())].value;
  }
  return flags;
}

uint64_t RandomLimit(Random& random) {
  constexpr uint64_t kLimits[] = {FV_FUZZ_NO_LIMIT, FV_FUZZ_NO_LIMIT, 0,       1,
                                  FV_FUZZ_PAGE,     1 << 16,          8 << 20, 4};
  return PickFrom(random, kLimits);
}

uint64_t RandomRecord(FvFuzzStructure structure, Random& random) {
  switch (structure) {
    case FV_FUZZ_ITIMERSPEC:
    case FV_FUZZ_ITIMERVAL: {
      constexpr uint64_t kTimes[] = {0, 100'000, 100'000, 200'000, 300'000};
      return (random.OneIn(2) ? 0 : PickFrom(random, kTimes)) | PickFrom(random, kTimes) << 32;
    }
    case FV_FUZZ_SIGEVENT: {
      constexpr uint64_t kNotify[] = {0, 0, 4, 1, 2};
      constexpr uint64_t kNumbers[] = {10, 34, 14, 12, 17, 9, 0};
      return PickFrom(random, kNotify) | PickFrom(random, kNumbers) << 8 | random.Below(3) << 16;
    }
    case FV_FUZZ_SIGINFO: {
      constexpr uint64_t kCodes[] = {0xFFFFFFFF, 0xFFFFFFFF, 0xFFFFFFFE, 0xFFFFFFFA, 0, 1};
      return PickFrom(random, kCodes) | random.Below(4) << 32;
    }
    case FV_FUZZ_RLIMIT:
      return RandomLimit(random) | RandomLimit(random) << 32;
    case FV_FUZZ_STRING:
      return random.Below(Strings().size()) |
             (random.OneIn(3) ? random.Below(FV_FUZZ_TASKS + 1) : 0) << 8;
    case FV_FUZZ_WORD: {
      constexpr uint64_t kValues[] = {0, 1, 2, 3, 10, 99, 1000, 0x20080522, ~uint64_t{0}};
      return PickFrom(random, kValues);
    }
    case FV_FUZZ_ROBUST:
      return RandomPage(random) * FV_FUZZ_PAGE + random.Below(2) * 2048;
    case FV_FUZZ_CAPS:
      return random.OneIn(2) ? random.Next() : uint64_t{0xFFFFFFFF} << 32 | random.Below(16);
    case FV_FUZZ_SCHED: {
      constexpr uint64_t kFlags[] = {0, 1, 0x10, 0x40};
      return random.Below(7) | random.Below(3) << 8 | random.Below(20) << 16 |
             PickFrom(random, kFlags) << 24;
    }
    default:
      return 0;
  }
}

uint64_t RandomStructure(FvFuzzStructure structure, Random& random) {
  switch (structure) {
    case FV_FUZZ_TIMESPEC:
      return PickFrom(random, kSleeps);
    case FV_FUZZ_SIGSET:
      return random.OneIn(3) ? ~uint64_t{0} : uint64_t{1} << random.Below(33);
    case FV_FUZZ_SIGACTION: {
      constexpr uint64_t kFlags[] = {0,          0x10000000, 0x40000000, 0x80000000,
                                     0x08000000, 0x00000001, 0x00000002, 0x00000004};
      const uint64_t mask = random.OneIn(3) ? random.Next() : 0;
      const uint64_t flag = PickFrom(random, kFlags);
      const uint64_t another = PickFrom(random, kFlags);
      return flag | another | random.Below(3) << 32 | mask << 40;
    }
    case FV_FUZZ_STACK:
      return RandomPage(random) | (1 + random.Below(3)) << 8 | (random.OneIn(3) ? 2ull << 32 : 0);
    case FV_FUZZ_IOVEC: {
      const auto offsets = Offsets();
      return (RandomPage(random) * FV_FUZZ_PAGE + offsets[random.Below(offsets.size())]) |
             PickFrom(random, kCounts) << 32;
    }
    default:
      return RandomRecord(structure, random);
  }
}

// Places of what `call` tests, before step `place` of `task` or in tasks before it.
template <typename Test>
bool PickEarlier(const Program& program, size_t task, size_t place, Random& random,
                 Argument& argument, Test test) {
  std::vector<StepPlace> places;
  for (size_t t = 0; t <= task && t < program.tasks.size(); ++t) {
    const auto& steps = program.tasks[t].steps;
    const size_t end = t == task ? std::min(place, steps.size()) : steps.size();
    for (size_t s = 0; s < end; ++s) {
      const CallSpec* call = FindCall(steps[s].call);
      if (call != nullptr && test(*call)) places.push_back({t, s});
    }
  }
  if (places.empty()) return false;
  const StepPlace chosen = places[random.Below(places.size())];
  argument.task = static_cast<uint8_t>(chosen.task);
  argument.step = static_cast<uint8_t>(chosen.step);
  return true;
}

Argument RandomFd(const Program& program, size_t task, size_t place, Random& random) {
  Argument argument{.value = random.OneIn(10) ? ~uint64_t{0} : random.Below(5)};
  if (random.OneIn(3)) return argument;
  const bool pair = PickEarlier(program, task, place, random, argument,
                                [](const CallSpec& call) { return call.gives == Gives::kFds; });
  if (pair && random.OneIn(2)) {
    argument.kind = Kind::kOutput;
    argument.value = random.Below(2);
  } else if (PickEarlier(program, task, place, random, argument,
                         [](const CallSpec& call) { return call.gives == Gives::kFd; })) {
    argument.kind = Kind::kResult;
    argument.value = 0;
  }
  return argument;
}

Argument RandomTimer(const Program& program, size_t task, size_t place, Random& random) {
  Argument argument{.value = random.Below(3)};
  if (PickEarlier(program, task, place, random, argument,
                  [](const CallSpec& call) { return call.gives == Gives::kTimer; })) {
    argument.kind = Kind::kOutput;
    argument.value = 0;
  }
  return argument;
}

Argument RandomAddress(const Program& program, size_t task, size_t place, Random& random) {
  const auto offsets = Offsets();
  Argument argument{.kind = Kind::kArena,
                    .value = RandomPage(random) * FV_FUZZ_PAGE +
                             (random.OneIn(3) ? offsets[random.Below(offsets.size())] : 0)};
  if (random.OneIn(6) &&
      PickEarlier(program, task, place, random, argument,
                  [](const CallSpec& call) { return call.result == ResultType::kAddress; })) {
    argument.kind = Kind::kResult;
    argument.value = random.Below(3) * FV_FUZZ_PAGE;
  }
  return argument;
}

}  // namespace

Argument RandomArgument(const ArgumentSpec& spec, const Program& program, size_t task, size_t place,
                        Random& random) {
  switch (spec.type) {
    case ArgumentType::kChoice:
    case ArgumentType::kSignal:
      return {.value = spec.names[random.Below(spec.names.size())].value};
    case ArgumentType::kFlags:
      return {.value = RandomFlags(spec, random)};
    case ArgumentType::kAddress:
      return RandomAddress(program, task, place, random);
    case ArgumentType::kBreak:
      return {.kind = Kind::kBreak, .value = random.Below(9) * FV_FUZZ_PAGE + random.Below(2)};
    case ArgumentType::kSize: {
      // The first ones are the usual ones.
      const auto sizes = Sizes();
      return {.value = sizes[random.Below(random.OneIn(4) ? sizes.size() : 4)]};
    }
    case ArgumentType::kCount:
      return {.value = PickFrom(random, kCounts)};
    case ArgumentType::kWord:
      return {.value = random.OneIn(4) ? random.Next() : PickFrom(random, kWords)};
    case ArgumentType::kFd:
      return RandomFd(program, task, place, random);
    case ArgumentType::kTimer:
      return RandomTimer(program, task, place, random);
    case ArgumentType::kPid:
    case ArgumentType::kGroup:
      if (random.OneIn(4)) return {.value = random.Below(2) == 0 ? 0 : ~uint64_t{0}};
      return {.kind = Kind::kPid,
              .task = static_cast<uint8_t>(random.Below(program.tasks.size())),
              .value = random.OneIn(5) ? ~uint64_t{0} : 1};
    case ArgumentType::kTask:
      return {.kind = Kind::kTask, .value = 0};
    case ArgumentType::kStructure:
      return {.kind = Kind::kStructure, .value = RandomStructure(spec.structure, random)};
  }
  return {};
}

}  // namespace fv::fuzz
