// SPDX-License-Identifier: Apache-2.0
//
// An axis of a chart: from values to pixels, and where its ticks are.
#pragma once

#include <string>
#include <vector>

namespace fv::lab::report {

struct Tick {
  double value = 0;
  std::string label;
};

class Scale {
 public:
  enum class Kind { kLinear, kLog };

  // Values from `low` to `high` lie between the pixels `from` and `to`. Of a log scale, values that
  // are not positive lie at `from`.
  Scale(Kind kind, double low, double high, double from, double to);
  // One that holds all values with some room, whole decades' parts if it is a log scale.
  static Scale Holding(Kind kind, const std::vector<double>& values, double from, double to);

  double At(double value) const;
  double low() const { return low_; }
  double high() const { return high_; }

  // Round numbers: 1, 2, 5 and their multiples by ten, as many as fit.
  std::vector<double> RoundTicks() const;

 private:
  double Position(double value) const;

  Kind kind_;
  double low_, high_, from_, to_;
};

}  // namespace fv::lab::report
