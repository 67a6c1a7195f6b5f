// SPDX-License-Identifier: Apache-2.0
//
// Two sets of measurements, compared without assuming a distribution: the test of Mann and Whitney,
// and the shift of Hodges and Lehmann with its interval, as a ratio (Hollander, Wolfe, Chicken,
// Nonparametric Statistical Methods, chapter 4).
#pragma once

#include <span>

#include "src/stats/median.h"

namespace fv::stats {

// Two-sided probability that samples of one distribution differ in rank as much as these do. Exact
// where no two values are equal and the sets are small, else by the normal approximation corrected
// for ties and continuity. 1 if a set is empty.
double MannWhitneyP(std::span<const double> a, std::span<const double> b);

struct Ratio {
  double value = 1;  // of b to a
  double low = 1;    // ends of its confidence interval
  double high = 1;
};

// Median of all ratios b[i] / a[j]. Values must be positive, sets not empty. The interval is that
// of the test above, turned round; with very few samples it is all of the ratios. Of more than 1000
// samples so many are taken, evenly.
Ratio HodgesLehmannRatio(std::span<const double> a, std::span<const double> b,
                         double confidence = kConfidence);

}  // namespace fv::stats
