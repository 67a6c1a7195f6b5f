// SPDX-License-Identifier: Apache-2.0
//
// Three kinds of charts as inline SVG. Colours are classes (style.css has them, for light and
// dark); lines differ by dash and marker as well, so that no chart needs colour to be read.
#pragma once

#include <string>
#include <vector>

#include "src/lab/report/scale.h"

namespace fv::lab::report {

// As many looks as style.css has.
inline constexpr size_t kLooks = 8;

struct Point {
  double x = 0;
  double y = 0;
  double low = 0;  // of y's interval; equal to high: none
  double high = 0;
};

struct Line {
  std::string name;
  size_t look = 0;
  std::vector<Point> points;  // by x
  bool markers = true;
};

// y is a time in ns, on a log axis.
struct LineChart {
  std::string title;
  std::string x_title;
  Scale::Kind x_kind = Scale::Kind::kLog;
  std::vector<Tick> x_ticks;  // by value; the chart reaches from the first to the last
  std::vector<Line> lines;
};
std::string Draw(const LineChart& chart);

struct Bar {
  std::string label;
  std::vector<double> parts;  // ns
};

// Horizontal bars whose parts are stacked.
struct BarChart {
  std::string title;
  std::vector<std::string> part_names;
  std::vector<Bar> bars;
  enum class Length { kTime, kShare } length = Length::kTime;  // kShare: each bar is a whole
};
std::string Draw(const BarChart& chart);

struct Dot {
  std::string label;
  std::string series;
  size_t look = 0;
  double value = 0;
  double low = 0;
  double high = 0;
};

// A row a label, in the order of their first dots, on a log axis.
struct DotChart {
  std::string title;
  std::vector<Dot> dots;
  enum class Unit { kTime, kRatio } unit = Unit::kTime;  // kRatio: with a line at 1
  std::string x_title = "time";
};
std::string Draw(const DotChart& chart);

}  // namespace fv::lab::report
