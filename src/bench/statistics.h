// SPDX-License-Identifier: Apache-2.0
//
// Order statistics over raw samples.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace fv::bench {

struct Summary {
  double p50 = 0;
  double p90 = 0;
  double p99 = 0;
  size_t count = 0;  // samples; 0: nothing was measured
};

// The value below which `fraction` (0 to 1) of the samples lie, interpolated between the two
// nearest (the definition of numpy's and R's default, R-7). `sorted` ascends and is not empty.
double Percentile(std::span<const double> sorted, double fraction);

// Of samples in any order, each multiplied by `scale`.
Summary Summarize(std::span<const uint64_t> samples, double scale = 1);

}  // namespace fv::bench
