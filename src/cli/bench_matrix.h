// SPDX-License-Identifier: Apache-2.0
//
// `forkvisor bench` with a matrix: the laboratory. bench.cc comes here when a flag asks for it.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "src/bench/guest_side.h"

namespace fv::cli {

// Whether the command line asks for the laboratory: one of its flags was given.
bool WantsMatrix();
// The flags that only the laboratory has.
std::vector<std::string_view> MatrixFlags();

// For lab::StopSignals: says what the first signal does.
void SayStopping(int number);

// What bench.cc has read already.
struct MatrixRequest {
  std::string command;  // the words, for the report
  std::vector<uint64_t> sizes;
  bool sizes_given = false;
  bench::Touch touch = bench::Touch::kWrite;
};

// Runs it, writes --out in --format and the --report. Exit code.
int BenchMatrix(const MatrixRequest& request);

}  // namespace fv::cli
