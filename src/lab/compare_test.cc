// SPDX-License-Identifier: Apache-2.0
//
// Comparison of results whose true ratio is known, with fixed seeds.
#include "src/lab/compare.h"

#include <gtest/gtest.h>

#include <cmath>
#include <nlohmann/json.hpp>
#include <random>

#include "src/bench/format.h"
#include "src/lab/results.h"

namespace fv::lab {
namespace {

// Batches of one cell, medians around `ns`.
Measured Cell(const std::string& name, double ns, uint32_t seed, size_t rounds = 12) {
  std::mt19937_64 random(seed);
  std::lognormal_distribution<double> spread(std::log(ns), 0.03);
  Measured measured{.name = name, .median_ns = ns, .observations = {}};
  for (size_t i = 0; i < rounds; ++i) measured.observations.push_back(spread(random));
  return measured;
}

TEST(Compare, FindsARegressionAndAnImprovement) {
  const std::vector<Measured> before = {Cell("a", 100, 1), Cell("b", 100, 2), Cell("c", 100, 3)};
  const std::vector<Measured> after = {Cell("a", 130, 4), Cell("b", 100, 5), Cell("c", 70, 6)};
  const Comparisons result = Compare(before, after, {.bound = 0.05});
  ASSERT_EQ(result.cells.size(), 3u);
  EXPECT_EQ(result.cells[0].verdict, Verdict::kSlower);
  EXPECT_NEAR(result.cells[0].ratio.value, 1.3, 0.05);
  EXPECT_LT(result.cells[0].ratio.low, 1.3);
  EXPECT_GT(result.cells[0].ratio.high, 1.3);
  EXPECT_EQ(result.cells[1].verdict, Verdict::kSame);
  EXPECT_EQ(result.cells[2].verdict, Verdict::kFaster);
  EXPECT_TRUE(result.Regressed());
}

TEST(Compare, ADifferenceWithinTheBoundIsNone) {
  const Comparisons result =
      Compare({Cell("a", 100, 1, 40)}, {Cell("a", 110, 2, 40)}, {.bound = 0.25});
  EXPECT_LT(result.cells[0].p, 0.01);
  EXPECT_EQ(result.cells[0].verdict, Verdict::kSame);
  EXPECT_FALSE(result.Regressed());
}

// A wide spread and few batches: the ratio is large by chance.
TEST(Compare, WhatIsNotSignificantIsNoRegression) {
  Measured before{"a", 100, {90, 100, 500, 110}};
  Measured after{"a", 400, {95, 120, 600, 480}};
  const Comparisons result = Compare({before}, {after}, {.bound = 0.05});
  EXPECT_GT(result.cells[0].ratio.value, 1.05);
  EXPECT_FALSE(result.Regressed());
}

TEST(Compare, EqualResultsRarelyDiffer) {
  unsigned accused = 0;
  for (uint32_t seed = 0; seed < 100; ++seed) {
    std::vector<Measured> before;
    std::vector<Measured> after;
    for (uint32_t cell = 0; cell < 20; ++cell) {
      before.push_back(Cell(std::to_string(cell), 100, seed * 1000 + cell));
      after.push_back(Cell(std::to_string(cell), 100, seed * 1000 + 500 + cell));
    }
    accused += Compare(before, after, {.bound = 0}).Regressed();
  }
  EXPECT_LE(accused, 3u) << "of 100 comparisons of 20 cells at 1 % over all";
}

TEST(Compare, ListsWhatOnlyOneHas) {
  const Comparisons result =
      Compare({Cell("a", 1, 1), Cell("b", 1, 2)}, {Cell("b", 1, 3), Cell("c", 1, 4)}, {});
  EXPECT_EQ(result.cells.size(), 1u);
  EXPECT_EQ(result.only_before, std::vector<std::string>{"a"});
  EXPECT_EQ(result.only_after, std::vector<std::string>{"c"});
  const std::string text = FormatComparisons(result);
  EXPECT_NE(text.find("Only in the first:\n  a\n"), std::string::npos) << text;
  EXPECT_NE(text.find("Only in the second:\n  c\n"), std::string::npos) << text;
  EXPECT_NE(text.find("1 compared, 0 slower, 0 faster, by more than 5 %"), std::string::npos)
      << text;
  const auto json = nlohmann::json::parse(FormatComparisonsJson(result));
  EXPECT_EQ(json["regressed"], false);
  EXPECT_EQ(json["cells"][0]["name"], "b");
}

nlohmann::ordered_json Row(size_t samples, const std::vector<double>& rounds) {
  stats::Histogram histogram;
  for (size_t i = 0; i < samples; ++i) histogram.Record(1'000'000 + i);
  nlohmann::ordered_json row = {{"name", "x"}, {"real_time", 1000.0}};
  row["histogram"] = bench::HistogramJson(histogram);
  if (!rounds.empty()) row["round_medians_ns"] = rounds;
  return row;
}

std::string Document(const nlohmann::ordered_json& row) {
  return nlohmann::ordered_json{{"benchmarks", {row}}}.dump();
}

TEST(ReadMeasured, PrefersBatchesToSamples) {
  const auto with = ReadMeasured(Document(Row(10, {1, 2, 3, 4, 5})));
  ASSERT_TRUE(with.ok()) << with.status();
  EXPECT_EQ(with->at(0).observations, (std::vector<double>{1, 2, 3, 4, 5}));
  const auto without = ReadMeasured(Document(Row(10, {})));
  ASSERT_TRUE(without.ok());
  EXPECT_EQ(without->at(0).observations.size(), 10u);
  EXPECT_NEAR(without->at(0).observations[0], 1000, 1);
  const auto few = ReadMeasured(Document(Row(10, {1, 2})));
  ASSERT_TRUE(few.ok());
  EXPECT_EQ(few->at(0).observations.size(), 10u);
  const auto many = ReadMeasured(Document(Row(100'000, {})));
  ASSERT_TRUE(many.ok());
  EXPECT_EQ(many->at(0).observations.size(), 1000u);
}

// The plain table's JSON has distributions too, without batches.
TEST(ReadMeasured, ReadsThePlainTable) {
  bench::SizeResult size{.bytes = 4096, .times = {}, .distributions = {}, .phases = std::nullopt};
  const std::pair key(bench::Side::kGuest, bench::Metric::kFork);
  size.times[key] = {1000, 1100, 1200, 3};
  for (uint64_t ps : {900'000, 1'000'000, 1'200'000}) size.distributions[key].Record(ps);
  const auto measured = ReadMeasured(bench::FormatJson({.context = {}, .sizes = {size}}));
  ASSERT_TRUE(measured.ok()) << measured.status();
  ASSERT_EQ(measured->size(), 1u);
  EXPECT_EQ(measured->at(0).name, "fork/guest/bytes:4096");
  EXPECT_EQ(measured->at(0).observations.size(), 3u);
}

TEST(ReadMeasured, RefusesWhatIsNoResult) {
  EXPECT_FALSE(ReadMeasured("").ok());
  EXPECT_FALSE(ReadMeasured("{").ok());
  EXPECT_FALSE(ReadMeasured("[]").ok());
  EXPECT_FALSE(ReadMeasured("{\"benchmarks\": []}").ok());
  EXPECT_FALSE(ReadMeasured("{\"benchmarks\": [{\"name\": \"x\"}]}").ok());
  EXPECT_FALSE(ReadMeasured(Document(Row(0, {}))).ok());
  EXPECT_FALSE(ReadMeasured(Document(Row(10, {1, 2, 3, 0}))).ok());
  nlohmann::ordered_json row = Row(10, {});
  row["histogram"]["buckets"][0][1] = 5;
  EXPECT_FALSE(ReadMeasured(Document(row)).ok());
}

}  // namespace
}  // namespace fv::lab
