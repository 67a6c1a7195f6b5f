// SPDX-License-Identifier: Apache-2.0
//
// Steps come and go in a program, and references to the steps behind them follow. What comes of it
// may not be valid: Repair.
#pragma once

#include "src/fuzz/program.h"

namespace fv::fuzz {

// Puts `step` before the one that is there, or at the task's end.
void InsertStepAt(Program& program, StepPlace place, Step step);
// References to the step itself are left to Repair.
void RemoveStepAt(Program& program, StepPlace place);

}  // namespace fv::fuzz
