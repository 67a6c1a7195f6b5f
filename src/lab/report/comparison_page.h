// SPDX-License-Identifier: Apache-2.0
//
// Two results of the benchmark side by side as one HTML page: for each system its latency over the
// axes, before and after; the ratios with their intervals; all rows as a table.
#pragma once

#include <string>
#include <vector>

#include "src/lab/compare.h"

namespace fv::lab::report {

// One of the two.
struct ComparedResult {
  std::string name;  // of its file
  Origin origin;
  std::vector<Measured> rows;
};

// `comparisons` is what Compare made of their rows.
std::string ComparisonPage(const ComparedResult& before, const ComparedResult& after,
                           const Comparisons& comparisons);

}  // namespace fv::lab::report
