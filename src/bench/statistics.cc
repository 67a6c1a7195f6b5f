// SPDX-License-Identifier: Apache-2.0
//
// Percentiles.
#include "src/bench/statistics.h"

#include <algorithm>
#include <cmath>
#include <vector>

namespace fv::bench {

double Percentile(std::span<const double> sorted, double fraction) {
  const double place = fraction * static_cast<double>(sorted.size() - 1);
  const auto below = static_cast<size_t>(std::floor(place));
  const size_t above = std::min(below + 1, sorted.size() - 1);
  return sorted[below] + (place - static_cast<double>(below)) * (sorted[above] - sorted[below]);
}

Summary Summarize(std::span<const uint64_t> samples, double scale) {
  if (samples.empty()) return {};
  std::vector<double> values;
  values.reserve(samples.size());
  for (uint64_t sample : samples) values.push_back(static_cast<double>(sample) * scale);
  std::sort(values.begin(), values.end());
  return {Percentile(values, 0.50), Percentile(values, 0.90), Percentile(values, 0.99),
          values.size()};
}

}  // namespace fv::bench
