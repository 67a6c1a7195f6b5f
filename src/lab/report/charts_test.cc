// SPDX-License-Identifier: Apache-2.0
//
// Scales and what is drawn by them.
#include "src/lab/report/charts.h"

#include <gtest/gtest.h>

#include "src/lab/report/canvas.h"
#include "src/lab/report/slice.h"
#include "src/lab/testing.h"

namespace fv::lab::report {
namespace {

TEST(Scale, LogarithmsAreEvenlySpaced) {
  const Scale scale(Scale::Kind::kLog, 1, 1000, 100, 400);
  EXPECT_DOUBLE_EQ(scale.At(1), 100);
  EXPECT_DOUBLE_EQ(scale.At(10), 200);
  EXPECT_DOUBLE_EQ(scale.At(1000), 400);
  EXPECT_DOUBLE_EQ(scale.At(0), 100) << "what has no logarithm is at the edge";
  EXPECT_DOUBLE_EQ(scale.At(1e9), 400);
}

TEST(Scale, MayRunBackwards) {
  const Scale scale(Scale::Kind::kLinear, 0, 10, 300, 0);
  EXPECT_DOUBLE_EQ(scale.At(0), 300);
  EXPECT_DOUBLE_EQ(scale.At(5), 150);
}

TEST(Scale, HoldsItsValues) {
  const Scale scale = Scale::Holding(Scale::Kind::kLog, {30, 0, 70}, 0, 1);
  EXPECT_LT(scale.low(), 30);
  EXPECT_GT(scale.low(), 0);
  EXPECT_GT(scale.high(), 70);
  const Scale nothing = Scale::Holding(Scale::Kind::kLog, {}, 0, 1);
  EXPECT_LT(nothing.low(), nothing.high());
}

TEST(Scale, TicksAreRound) {
  EXPECT_EQ(Scale(Scale::Kind::kLog, 8, 120, 0, 1).RoundTicks(),
            (std::vector<double>{10, 20, 50, 100}));
  EXPECT_EQ(Scale(Scale::Kind::kLog, 0.5, 2e6, 0, 1).RoundTicks(),
            (std::vector<double>{1, 10, 100, 1000, 10000, 100000, 1000000}));
  EXPECT_EQ(Scale(Scale::Kind::kLinear, 0, 10, 0, 1).RoundTicks(),
            (std::vector<double>{0, 2, 4, 6, 8, 10}));
}

TEST(TickTime, HasUnits) {
  EXPECT_EQ(TickTime(0), "0");
  EXPECT_EQ(TickTime(500), "500 ns");
  EXPECT_EQ(TickTime(20'000), "20 us");
  EXPECT_EQ(TickTime(1e9), "1 s");
}

size_t CountOf(const std::string& text, const std::string& what) {
  size_t count = 0;
  for (size_t at = 0; (at = text.find(what, at)) != std::string::npos; at += what.size()) ++count;
  return count;
}

TEST(LineChart, DrawsLinesWithIntervals) {
  LineChart chart{.title = "t", .x_title = "x", .x_ticks = {{1, "a"}, {10, "b"}}, .lines = {}};
  chart.lines.push_back({"one", 0, {{1, 100, 90, 110}, {10, 200, 200, 200}}});
  const std::string svg = Draw(chart);
  EXPECT_EQ(CountOf(svg, "class=\"line s0\""), 2u) << "the line and its legend";
  EXPECT_EQ(CountOf(svg, "whisker s0"), 3u) << "one interval with its two ends";
  EXPECT_EQ(CountOf(svg, "dot s0"), 3u);
  EXPECT_NE(svg.find("one: 100 ns"), std::string::npos);
}

TEST(BarChart, PartsFillTheBar) {
  BarChart chart{.title = "t",
                 .part_names = {"a", "b"},
                 .bars = {{"x", {1000, 3000}}},
                 .length = BarChart::Length::kShare};
  const std::string svg = Draw(chart);
  EXPECT_EQ(CountOf(svg, "<rect "), 4u) << "two parts and two in the legend";
  EXPECT_NE(svg.find("4.00 us"), std::string::npos) << "the whole";
  EXPECT_EQ(
      CountOf(Draw(BarChart{.title = "t", .part_names = {"a"}, .bars = {{"x", {0}}}}), "<rect "),
      1u)
      << "nothing has no length";
}

TEST(DotChart, HasARowALabel) {
  DotChart chart{.title = "t", .dots = {}, .unit = DotChart::Unit::kRatio};
  chart.dots = {{"row", "guest", 0, 2, 1.5, 3}, {"row", "other", 1, 0.5, 0.5, 0.5}};
  const std::string svg = Draw(chart);
  EXPECT_EQ(CountOf(svg, ">row</text>"), 1u);
  EXPECT_EQ(CountOf(svg, "whisker"), 1u);
  EXPECT_NE(svg.find(">1x</text>"), std::string::npos);
}

TEST(Slice, HoldsTheLargestSizeAndVariesOneAxis) {
  LabResults results = MadeUpResults();
  EXPECT_EQ(Systems(results.cells), (std::vector<std::string>{"classic", "ondemand", "native"}));
  EXPECT_EQ(SliceAlong(results.cells, Axis::kSize).cells.size(), 6u);
  EXPECT_EQ(SliceAlong(results.cells, Axis::kSize).fixed, "");
  const Slice depth = SliceAlong(results.cells, Axis::kDepth);
  ASSERT_EQ(depth.cells.size(), 3u);
  EXPECT_EQ(depth.cells[0]->cell.size, uint64_t{64} << 20);
  EXPECT_EQ(depth.fixed, "64M");
  EXPECT_EQ(Groups(results.cells).size(), 2u);
  ASSERT_EQ(LargestGroups(results.cells, 1).size(), 1u);
  EXPECT_EQ(LargestGroups(results.cells, 1)[0].label, "64M");
  EXPECT_TRUE(SliceAlong({}, Axis::kSize).cells.empty());
}

}  // namespace
}  // namespace fv::lab::report
