// SPDX-License-Identifier: Apache-2.0
//
// Compares what two kernels gave for one program. Only what CallSpec says is compared: addresses
// outside of the arena, say, are each kernel's own.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "src/fuzz/program.h"
#include "src/fuzz/results.h"

namespace fv::fuzz {

struct StepDifference {
  size_t task = 0;
  size_t step = 0;
  std::string call;    // its name: what differences are told apart by
  std::string a, b;    // as ResultText
  bool waits = false;  // wait4(2) or waitid(2)
};

// Whether Linux can be asked: the program has turns, and no call that only a guest makes.
bool IsComparable(const Program& program);

// What memory holds is each kernel's own and not compared: a handler's frame may lie in the arena
// (registers, addresses, the FPU's state), or a page that vmsplice(2) put into a pipe meets a fork
// that does not copy on write, after which its writer keeps the frame that the pipe has.
bool HasMemoryOfItsOwn(const Program& program);

// In the order of tasks and steps.
std::vector<StepDifference> CompareResults(const Program& program, const Results& a,
                                           const Results& b);

}  // namespace fv::fuzz
