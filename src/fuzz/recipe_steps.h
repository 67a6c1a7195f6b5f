// SPDX-License-Identifier: Apache-2.0
//
// What recipes are written with, and the families that are in files of their own. Private to them.
#pragma once

#include <signal.h>
#include <sys/mman.h>

#include <algorithm>
#include <cstdint>
#include <string_view>
#include <vector>

#include "src/fuzz/calls.h"
#include "src/fuzz/recipes.h"

namespace fv::fuzz {

using A = RecipeArgument;
using Kind = RecipeArgument::Kind;

constexpr A V(uint64_t value) { return {.kind = Kind::kValue, .value = value}; }
constexpr A At(uint64_t page) { return {.kind = Kind::kArena, .value = page * FV_FUZZ_PAGE}; }
constexpr A Pages(uint64_t count) { return V(count * FV_FUZZ_PAGE); }
constexpr A Result(uint8_t step, uint64_t page = 0) {
  return {.kind = Kind::kResult, .step = step, .value = page * FV_FUZZ_PAGE};
}
constexpr A Output(uint8_t step, uint64_t half = 0) {
  return {.kind = Kind::kOutput, .step = step, .value = half};
}
constexpr A Self() { return {.kind = Kind::kSelf}; }
constexpr A Child() { return {.kind = Kind::kChild}; }
inline A Text(std::string_view text) {
  const auto strings = Strings();
  return V(
      static_cast<uint64_t>(std::find(strings.begin(), strings.end(), text) - strings.begin()));
}

inline constexpr uint64_t kRw = PROT_READ | PROT_WRITE;
inline constexpr uint64_t kSharedFile = MAP_SHARED | MAP_FIXED;
inline constexpr uint64_t kPrivateFile = MAP_PRIVATE | MAP_FIXED;
inline constexpr uint64_t kAll = ~(uint64_t{1} << (14 - 1));  // signals
inline constexpr uint64_t kSoon = uint64_t{100'000} << 32;    // a timer's first expiry
inline constexpr uint64_t kOften = 100'000;                   // and the interval
inline constexpr uint64_t kMinusOne = ~uint64_t{0};
inline constexpr uint64_t kNoLimits = FV_FUZZ_NO_LIMIT | FV_FUZZ_NO_LIMIT << 32;
constexpr uint64_t Catch(uint64_t flags) { return flags | uint64_t{FV_FUZZ_CATCH} << 32; }
inline constexpr uint64_t kIgnore = uint64_t{FV_FUZZ_IGNORE} << 32;
constexpr uint64_t Event(uint64_t notify, uint64_t signal) { return notify | signal << 8; }

inline RecipeStep Fork() { return {"fork", {}}; }
inline RecipeStep Wait() { return {"wait4", {V(kMinusOne), Any(), V(0)}}; }
// The same of the child.
inline RecipeStep InChild(RecipeStep step) {
  step.task = 1;
  return step;
}

// Files and pages, page tables, allocations that fail; timers and signals.
std::vector<Recipe> FileRecipes();
std::vector<Recipe> SharedTableRecipes();
std::vector<Recipe> TableRecipes();
std::vector<Recipe> PageRecipes();
std::vector<Recipe> SignalRecipes();
std::vector<Recipe> TimerRecipes();

}  // namespace fv::fuzz
