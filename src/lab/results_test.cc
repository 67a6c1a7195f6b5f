// SPDX-License-Identifier: Apache-2.0
//
// From batches to results, and the forms of these.
#include "src/lab/results.h"
#include "src/bench/format.h"

#include <gtest/gtest.h>

#include <cmath>

#include "src/lab/axes.h"
#include "src/lab/compare.h"
#include "src/lab/testing.h"

namespace fv::lab {
namespace {

TEST(Gatherer, AddsBatchesOfTheirCells) {
  const LabResults results = MadeUpResults();
  ASSERT_EQ(results.cells.size(), 6u);
  const CellResult& first = results.cells[0];
  EXPECT_EQ(first.rounds, 6u);
  EXPECT_EQ(first.cycles, 12u);
  const Series* fork = first.Find("fork");
  ASSERT_NE(fork, nullptr);
  EXPECT_EQ(fork->picoseconds.count(), 120u);
  EXPECT_EQ(fork->round_medians_ns.size(), 6u);
  EXPECT_NEAR(fork->MedianNs().value, 10'034, 20);  // a cycle is a nanosecond
  EXPECT_LT(first.Width(), 0.01);
  ASSERT_TRUE(first.costs[0].has_value());
  EXPECT_DOUBLE_EQ(first.costs[0]->phases.total_ns, 500.0 * bench::kPhases);
  EXPECT_DOUBLE_EQ(first.costs[1]->copied_child, 3);
  ASSERT_TRUE(first.costs[1]->kvm.has_value());
  EXPECT_DOUBLE_EQ(first.costs[1]->kvm->exits, 60);
  EXPECT_FALSE(first.costs[0]->kvm.has_value());
  EXPECT_FALSE(results.cells[2].costs[0].has_value());
}

TEST(Gatherer, AStrangersBatchIsNotTaken) {
  Gatherer gatherer({{"classic"}});
  EXPECT_FALSE(gatherer.Add(Batch{.cell = "other", .tsc_khz = 1}).has_value());
  EXPECT_TRUE(std::isinf(gatherer.at(0).Width()));
  EXPECT_FALSE(gatherer.Finish()[0].costs[0].has_value());
}

TEST(Axes, OnlyWhatVariesIsNamed) {
  const LabResults results = MadeUpResults();
  EXPECT_EQ(VaryingAxes(results.cells), std::vector<Axis>{Axis::kSize});
  EXPECT_EQ(FixedAxes(results.cells), "touch write, vmas 1, depth 0, dirty 1 %");
  EXPECT_EQ(Label(results.cells[3].cell, {Axis::kSize, Axis::kDepth}), "64M, depth 0");
}

TEST(FormatLabTable, ShowsMedianIntervalAndTail) {
  const std::string text = FormatLabTable(MadeUpResults());
  EXPECT_NE(text.find("\nondemand   64M "), std::string::npos) << text;
  EXPECT_NE(text.find(" 120  50.0 us  50.0 us .. "), std::string::npos) << text;
  EXPECT_NE(text.find("What a fork costs"), std::string::npos);
  EXPECT_NE(text.find("warning: the machine had other work"), std::string::npos);
  EXPECT_NE(text.find("all with touch write"), std::string::npos);
}

TEST(FormatLabTable, SaysWhatWasNotMeasured) {
  LabResults results;
  results.cells.resize(1);
  results.cells[0].cell.system = "classic";
  EXPECT_NE(FormatLabTable(results).find("not measured"), std::string::npos);
}

TEST(FormatLabJson, IsReadByCompare) {
  const std::string text = FormatLabJson(MadeUpResults());
  const auto measured = ReadMeasured(text);
  ASSERT_TRUE(measured.ok()) << measured.status();
  EXPECT_EQ(measured->size(), 6 * std::size(kSeries));
  EXPECT_EQ(measured->at(0).name, "fork/classic/size:0/touch:write/vmas:1/depth:0/dirty:1");
  EXPECT_EQ(measured->at(0).observations.size(), 6u);
  const auto json = nlohmann::json::parse(text);
  EXPECT_EQ(json["context"]["noise"]["warnings"].size(), 1u);
  EXPECT_EQ(json["costs"].size(), 8u);
  EXPECT_EQ(json["costs"][0]["bytes_copied"], 3 * 4096);
  EXPECT_EQ(json["benchmarks"][0]["real_time"], json["benchmarks"][0]["p50_ns"]);
}

TEST(HistogramJson, ComesBack) {
  const stats::Histogram histogram = MadeUpResults().cells[4].Find("done")->picoseconds;
  const auto back =
      bench::HistogramFromJson(nlohmann::json::parse(bench::HistogramJson(histogram).dump()));
  ASSERT_TRUE(back.has_value());
  EXPECT_EQ(*back, histogram);
  EXPECT_FALSE(bench::HistogramFromJson({{"unit", "ns"}}).has_value());
  EXPECT_FALSE(bench::HistogramFromJson(nlohmann::json::array()).has_value());
}

TEST(FormatLabCsv, HasARowForEachSeries) {
  const std::string text = FormatLabCsv(MadeUpResults());
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 1 + 6 * std::ssize(kSeries));
  EXPECT_NE(text.find("\nspawn,native,67108864,write,1,0,1,120,6,"), std::string::npos) << text;
}

TEST(FormatHistograms, NamesEachDistribution) {
  const std::string text = FormatHistograms(MadeUpResults());
  EXPECT_EQ(text.find("#[fork/classic/size:0/"), 0u) << text.substr(0, 200);
  EXPECT_NE(text.find("\n#[spawn/native/size:67108864/"), std::string::npos);
}

}  // namespace
}  // namespace fv::lab
