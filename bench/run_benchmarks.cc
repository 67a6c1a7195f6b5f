// SPDX-License-Identifier: Apache-2.0
#include "bench/run_benchmarks.h"

#include <benchmark/benchmark.h>

#include <cerrno>
#include <cstdio>
#include <exception>

namespace fv::bench {

int RunBenchmarks(int argc, char** argv) {
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 2;
  try {
    benchmark::RunSpecifiedBenchmarks();
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s: %s\n", program_invocation_short_name, error.what());
    return 3;
  }
  return 0;
}

}  // namespace fv::bench
