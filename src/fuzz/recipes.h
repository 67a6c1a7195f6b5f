// SPDX-License-Identifier: Apache-2.0
//
// Recipes: sequences of calls that belong together and that chance would hardly put in order, as a
// file that is mapped and then cut. Mutation puts them into programs and changes them from there.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

namespace fv::fuzz {

// Of an argument; what it leaves open is chosen as in any call.
struct RecipeArgument {
  enum class Kind : uint8_t {
    kAny,
    kValue,   // a number, or what a structure says
    kArena,   // an offset in the arena
    kResult,  // of step `step` of the recipe
    kOutput,  // likewise; value 1: the upper half
    kSelf,    // the task's own pid
    kChild,   // the child's
  };
  Kind kind = Kind::kAny;
  uint8_t step = 0;
  uint64_t value = 0;
};
constexpr RecipeArgument Any() { return {}; }

struct RecipeStep {
  std::string_view call;
  std::vector<RecipeArgument> arguments;
  uint8_t task = 0;  // 1: the child, which a step before made
};

struct Recipe {
  std::string_view name;
  std::vector<RecipeStep> steps;
};

std::span<const Recipe> Recipes();
// One of its calls makes a task.
bool HasChild(const Recipe& recipe);
// One of its calls is for guests only.
bool IsForGuests(const Recipe& recipe);

}  // namespace fv::fuzz
