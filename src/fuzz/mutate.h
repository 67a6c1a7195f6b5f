// SPDX-License-Identifier: Apache-2.0
//
// Random programs, and random changes of programs. All results are valid; the same seed gives the
// same program.
#pragma once

#include "src/fuzz/program.h"
#include "src/fuzz/random.h"
#include "src/fuzz/recipes.h"

namespace fv::fuzz {

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
