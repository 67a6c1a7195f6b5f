// SPDX-License-Identifier: Apache-2.0
//
// The table of calls (calls.h) as a dictionary of libFuzzer and AFL: for engines that change
// programs as bytes (encoding.h). Our own mutator draws from the table itself.
#pragma once

#include <string>

namespace fv::fuzz {

// Lines NAME="VALUE" with bytes as \xNN: the number of each call as in FvFuzzStep::call, and what
// arguments may be as in FvFuzzArgument::value. No value twice. Names are letters, digits and '_'.
std::string Dictionary();

}  // namespace fv::fuzz
