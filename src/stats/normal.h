// SPDX-License-Identifier: Apache-2.0
//
// Quantiles of the normal distribution.
#pragma once

#include <cmath>

namespace fv::stats {

// z with P(Z < z) = p, by bisection of erfc: called a few times a comparison. p is in (0, 1).
inline double NormalQuantile(double p) {
  double low = -40;
  double high = 40;
  for (int i = 0; i < 100; ++i) {
    const double middle = (low + high) / 2;
    (0.5 * std::erfc(-middle / std::sqrt(2.0)) < p ? low : high) = middle;
  }
  return low;
}

}  // namespace fv::stats
