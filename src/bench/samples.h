// SPDX-License-Identifier: Apache-2.0
//
// What the benchmark program prints (guest/user/bench/fork_bench.c, fork_lab.c): lines
//   sample MODE SIZE REPETITION CYCLES
//   tsc_khz KHZ          (optional)
//   huge_bytes BYTES     (optional)
//   done
// Output that is cut off, or has any other line, is refused: a benchmark does not guess.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"

namespace fv::bench {

struct Samples {
  // Cycles of the time-stamp counter, by mode, in order of repetition.
  std::map<std::string, std::vector<uint64_t>, std::less<>> by_mode;
  uint64_t size = 0;  // bytes mapped; the same in every line
  uint64_t tsc_khz = 0;
  uint64_t huge_bytes = 0;  // memory that was in huge pages
};

// DataLoss with the line's number and text.
absl::StatusOr<Samples> ParseSamples(std::string_view output);

// Adds the samples of another run of the same size.
void Append(Samples& to, const Samples& from);

}  // namespace fv::bench
