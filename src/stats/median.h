// SPDX-License-Identifier: Apache-2.0
//
// The median with its confidence interval from order statistics: of n independent samples, the
// number below the true median has the binomial distribution (n, 1/2), whatever the distribution of
// the samples (David and Nagaraja, Order Statistics, 7.1).
#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "src/stats/histogram.h"

namespace fv::stats {

inline constexpr double kConfidence = 0.95;

// Ranks (number of samples below) of the two samples between which the median lies.
struct RankInterval {
  uint64_t low = 0;
  uint64_t high = 0;
};
// The narrowest symmetric one that covers the median with at least `confidence`. nullopt: even all
// samples do not (fewer than 6 for 95 %).
std::optional<RankInterval> MedianRanks(uint64_t samples, double confidence = kConfidence);

struct Median {
  double value = 0;
  // Ends of the interval; minimum and maximum if there are too few samples for one.
  double low = 0;
  double high = 0;
  bool sure = false;  // there were enough samples for the interval

  // Width of the interval in parts of the median; infinite if it is not sure.
  double RelativeWidth() const;
};

Median MedianOf(const Histogram& histogram, double confidence = kConfidence);
Median MedianOf(std::span<const double> samples, double confidence = kConfidence);

}  // namespace fv::stats
