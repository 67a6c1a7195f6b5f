// SPDX-License-Identifier: Apache-2.0
//
// main() of the benchmarks that run guests: what goes wrong with one is thrown, ends the program
// and is said.
#pragma once

namespace fv::bench {

// Runs what is registered. Returns the exit code: 0; 2 for a flag that nobody knows; 3 if a
// benchmark threw.
int RunBenchmarks(int argc, char** argv);

}  // namespace fv::bench
