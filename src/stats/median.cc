// SPDX-License-Identifier: Apache-2.0
#include "src/stats/median.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "src/stats/normal.h"

namespace fv::stats {
namespace {

// Beyond so many samples the normal approximation is as good as the sum.
constexpr uint64_t kCountedOut = 10'000;

// Log of the probability that k of n fair coins show heads.
double LogBinomial(uint64_t n, uint64_t k) {
  const auto big = static_cast<double>(n);
  const auto small = static_cast<double>(k);
  return std::lgamma(big + 1) - std::lgamma(small + 1) - std::lgamma(big - small + 1) -
         big * std::log(2.0);
}

}  // namespace

std::optional<RankInterval> MedianRanks(uint64_t samples, double confidence) {
  const double tail_limit = (1 - confidence) / 2;
  if (samples > kCountedOut) {
    const double half_width =
        NormalQuantile(1 - tail_limit) * std::sqrt(static_cast<double>(samples)) / 2;
    const auto cut = static_cast<uint64_t>(static_cast<double>(samples) / 2 - half_width);
    return RankInterval{cut - 1, samples - cut};
  }
  // P(at most `cut` of the samples are below the median), summed upwards from 0.
  double tail = 0;
  uint64_t cut = 0;
  while (cut < samples / 2) {
    const double next = tail + std::exp(LogBinomial(samples, cut));
    if (next > tail_limit) break;
    tail = next;
    ++cut;
  }
  if (cut == 0) return std::nullopt;
  return RankInterval{cut - 1, samples - cut};
}

double Median::RelativeWidth() const {
  return sure && value > 0 ? (high - low) / value : std::numeric_limits<double>::infinity();
}

Median MedianOf(const Histogram& histogram, double confidence) {
  Median median{.value = histogram.Percentile(0.5)};
  const std::optional<RankInterval> ranks = MedianRanks(histogram.count(), confidence);
  median.sure = ranks.has_value();
  median.low = static_cast<double>(ranks ? histogram.ValueAtRank(ranks->low) : histogram.min());
  median.high = static_cast<double>(ranks ? histogram.ValueAtRank(ranks->high) : histogram.max());
  return median;
}

Median MedianOf(std::span<const double> samples, double confidence) {
  if (samples.empty()) return {};
  std::vector<double> sorted(samples.begin(), samples.end());
  std::sort(sorted.begin(), sorted.end());
  const size_t half = sorted.size() / 2;
  const double value =
      sorted.size() % 2 == 1 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2;
  const std::optional<RankInterval> ranks = MedianRanks(sorted.size(), confidence);
  if (!ranks) return {value, sorted.front(), sorted.back(), false};
  return {value, sorted[ranks->low], sorted[ranks->high], true};
}

}  // namespace fv::stats
