// SPDX-License-Identifier: Apache-2.0
//
// Compares what two runs of a program gave to the world: output, errors, exit status.
#pragma once

#include <string>
#include <vector>

#include "src/native/streams.h"

namespace fv::diff {

struct Outcome {
  bool timed_out = false;
  int wait_status = 0;  // as wait(2) gives it; not with timed_out
  native::Output out;
  native::Output err;
};

struct OutcomeDifference {
  std::string what;           // "exit status", "standard output, line 3"
  std::string native, guest;  // printable
};

// "exit 3", "killed by SIGSEGV, core dumped", "no end in time".
std::string EndText(const Outcome& outcome);

std::vector<OutcomeDifference> CompareOutcomes(const Outcome& native, const Outcome& guest);

}  // namespace fv::diff
