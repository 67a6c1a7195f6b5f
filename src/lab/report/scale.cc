// SPDX-License-Identifier: Apache-2.0
#include "src/lab/report/scale.h"

#include <algorithm>
#include <cmath>
#include <initializer_list>

namespace fv::lab::report {
namespace {

constexpr double kRoomOfLog = 1.25;  // factor beyond the outermost values
constexpr size_t kMostTicks = 9;
constexpr double kRoundingUp = 1.0001;  // the last tick of a linear scale may be so much too high

// About five, from 0 on.
std::vector<double> LinearTicks(double low, double high) {
  const double rough = (high - low) / 5;
  const double decade = std::pow(10, std::floor(std::log10(rough)));
  const double digit = rough / decade;
  const double step = decade * (digit > 5 ? 10 : digit > 2 ? 5 : digit > 1 ? 2 : 1);
  std::vector<double> ticks;
  const auto last = static_cast<int>(high * kRoundingUp / step);
  for (int i = 0; i <= last; ++i) ticks.push_back(i * step);
  return ticks;
}

// These digits in each decade.
std::vector<double> LogTicks(double low, double high, std::initializer_list<int> digits) {
  std::vector<double> ticks;
  const auto last = static_cast<int>(std::ceil(std::log10(high)));
  for (auto power = static_cast<int>(std::floor(std::log10(low))); power <= last; ++power) {
    for (const int digit : digits) {
      const double tick = digit * std::pow(10, power);
      if (tick >= low && tick <= high) ticks.push_back(tick);
    }
  }
  return ticks;
}

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
  if (kind_ == Kind::kLinear) return LinearTicks(low_, high_);
  std::vector<double> ticks = LogTicks(low_, high_, {1, 2, 5});
  return ticks.size() <= kMostTicks ? ticks : LogTicks(low_, high_, {1});
}

}  // namespace fv::lab::report
