// SPDX-License-Identifier: Apache-2.0
//
// A program as one C file that compiles and runs on any x86-64 Linux with a C library, and prints
// what its calls gave: a reproducer for who has no forkvisor.
#pragma once

#include <string>

#include "src/fuzz/program.h"

namespace fv::fuzz {

// The calls stand in the file one by one; what they run on is the executor's own text (turns,
// stacks, the monitor). It prints what ResultsText says, makes its processes where it is, and a
// file "fuzz.shared" in its working directory for as long as it runs. `program` is valid.
std::string ToCSource(const Program& program);

}  // namespace fv::fuzz
