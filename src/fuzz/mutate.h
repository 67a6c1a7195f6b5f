// SPDX-License-Identifier: Apache-2.0
//
// Random programs, and random changes of programs. All results are valid; the same seed gives the
// same program.
#pragma once

#include <cstdint>

#include "src/fuzz/program.h"
#include "src/fuzz/recipes.h"

namespace fv::fuzz {

// SplitMix64 (Steele, Lea, Flood: Fast splittable pseudorandom number generators, 2014).
class Random {
 public:
  explicit Random(uint64_t seed) : state_(seed) {}
  uint64_t Next() {
    uint64_t z = state_ += 0x9E3779B97F4A7C15;
    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9;
    z = (z ^ z >> 27) * 0x94D049BB133111EB;
    return z ^ z >> 31;
  }
  // Below `bound`, which is not 0.
  uint64_t Below(uint64_t bound) { return Next() % bound; }
  bool OneIn(uint64_t n) { return Below(n) == 0; }

 private:
  uint64_t state_;
};

// What a campaign permits.
struct Grammar {
  bool free_order = true;   // programs without turns, too
  bool guest_calls = true;  // calls that are not compared with Linux, too
};

// Puts the steps of a recipe one behind the other into a task that there is, and those of its child
// into a new one. False: there is no room for a child. The program may be too long then: Repair.
bool InsertRecipe(Program& program, const Recipe& recipe, Random& random);

Program RandomProgram(Random& random, const Grammar& grammar);
// One to four changes: a call more, less, moved, repeated, another argument, a task more or less,
// other turns.
void Mutate(Program& program, Random& random, const Grammar& grammar);
// Tasks of one, tasks and calls of the other.
Program Crossover(const Program& a, const Program& b, Random& random);

}  // namespace fv::fuzz
