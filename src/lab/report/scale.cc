// SPDX-License-Identifier: Apache-2.0
#include "src/lab/report/scale.h"

#include <algorithm>
#include <cmath>

namespace fv::lab::report {
namespace {

constexpr double kRoomOfLog = 1.25;  // factor beyond the outermost values
constexpr size_t kMostTicks = 9;

}  // namespace

Scale::Scale(Kind kind, double low, double high, double from, double to)
    : kind_(kind), low_(low), high_(high > low ? high : low + 1), from_(from), to_(to) {}

Scale Scale::Holding(Kind kind, const std::vector<double>& values, double from, double to) {
  double low = 0;
  double high = 0;
  for (double value : values) {
    if (kind == Kind::kLog && !(value > 0)) continue;
    low = low == 0 ? value : std::min(low, value);
    high = std::max(high, value);
  }
  if (kind == Kind::kLinear) return {kind, 0, high > 0 ? high : 1, from, to};
  if (high == 0) return {kind, 1, 10, from, to};
  return {kind, low / kRoomOfLog, high * kRoomOfLog, from, to};
}

double Scale::Position(double value) const {
  if (kind_ == Kind::kLinear) return (value - low_) / (high_ - low_);
  if (!(value > 0)) return 0;
  return std::log(value / low_) / std::log(high_ / low_);
}

double Scale::At(double value) const {
  return from_ + std::clamp(Position(value), 0.0, 1.0) * (to_ - from_);
}

std::vector<double> Scale::RoundTicks() const {
  std::vector<double> ticks;
  if (kind_ == Kind::kLinear) {
    const double rough = (high_ - low_) / 5;
    const double decade = std::pow(10, std::floor(std::log10(rough)));
    const double step = decade * (rough / decade > 5   ? 10
                                  : rough / decade > 2 ? 5
                                  : rough / decade > 1 ? 2
                                                       : 1);
    for (double tick = 0; tick <= high_ * 1.0001; tick += step) ticks.push_back(tick);
    return ticks;
  }
  const std::vector<double> fine = {1, 2, 5};
  const std::vector<double> coarse = {1};
  for (const std::vector<double>* digits : {&fine, &coarse}) {
    ticks.clear();
    for (double decade = std::pow(10, std::floor(std::log10(low_))); decade <= high_;
         decade *= 10) {
      for (double digit : *digits) {
        const double tick = decade * digit;
        if (tick >= low_ && tick <= high_) ticks.push_back(tick);
      }
    }
    if (ticks.size() <= kMostTicks) break;
  }
  return ticks;
}

}  // namespace fv::lab::report
