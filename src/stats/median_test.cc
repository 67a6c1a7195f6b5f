// SPDX-License-Identifier: Apache-2.0
//
// The interval of the median against tables, and against distributions whose median is known.
#include "src/stats/median.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>
#include <vector>

namespace fv::stats {
namespace {

// Conover, Practical Nonparametric Statistics, table of the sign test.
TEST(MedianRanks, AgreeWithTheTable) {
  EXPECT_FALSE(MedianRanks(0).has_value());
  EXPECT_FALSE(MedianRanks(5).has_value());
  const auto expect = [](uint64_t samples, uint64_t low, uint64_t high) {
    const auto ranks = MedianRanks(samples);
    ASSERT_TRUE(ranks.has_value());
    EXPECT_EQ(ranks->low, low - 1) << samples;
    EXPECT_EQ(ranks->high, high - 1) << samples;
  };
  expect(6, 1, 6);
  expect(10, 2, 9);
  expect(20, 6, 15);
  expect(50, 18, 33);
  expect(100, 40, 61);
}

TEST(MedianRanks, TheApproximationContinuesTheSum) {
  const auto summed = MedianRanks(10'000);
  const auto approximate = MedianRanks(10'001);
  ASSERT_TRUE(summed && approximate);
  EXPECT_NEAR(static_cast<double>(approximate->low), static_cast<double>(summed->low), 1);
}

TEST(Median, CoversTheTrueOneAsOftenAsPromised) {
  std::mt19937_64 random(1);
  std::lognormal_distribution<double> skewed(std::log(1e6), 1);
  unsigned covered = 0;
  constexpr unsigned kTimes = 2000;
  for (unsigned i = 0; i < kTimes; ++i) {
    Histogram histogram;
    for (unsigned k = 0; k < 75; ++k) histogram.Record(static_cast<uint64_t>(skewed(random)));
    const Median median = MedianOf(histogram);
    covered += median.low <= 1e6 && 1e6 <= median.high;
  }
  EXPECT_GE(covered, kTimes * 94 / 100);
  EXPECT_LE(covered, kTimes * 98 / 100);
}

TEST(Median, OfSamplesAndOfTheirHistogramAreTheSame) {
  std::mt19937_64 random(2);
  std::exponential_distribution<double> waiting(1e-5);
  Histogram histogram;
  std::vector<double> samples;
  for (unsigned i = 0; i < 301; ++i) {
    samples.push_back(std::floor(waiting(random)));
    histogram.Record(static_cast<uint64_t>(samples.back()));
  }
  const Median exact = MedianOf(samples);
  const Median close = MedianOf(histogram);
  EXPECT_TRUE(exact.sure && close.sure);
  EXPECT_NEAR(close.value, exact.value, exact.value / 1000);
  EXPECT_NEAR(close.low, exact.low, exact.low / 1000);
  EXPECT_NEAR(close.high, exact.high, exact.high / 1000);
}

TEST(Median, TooFewSamplesAreNotSure) {
  const std::vector<double> samples = {4, 1, 3, 2};
  const Median median = MedianOf(samples);
  EXPECT_DOUBLE_EQ(median.value, 2.5);
  EXPECT_DOUBLE_EQ(median.low, 1);
  EXPECT_DOUBLE_EQ(median.high, 4);
  EXPECT_FALSE(median.sure);
  EXPECT_TRUE(std::isinf(median.RelativeWidth()));
  EXPECT_FALSE(MedianOf(Histogram()).sure);
}

TEST(Median, MoreSamplesNarrowTheInterval) {
  std::mt19937_64 random(3);
  std::normal_distribution<double> times(1e6, 1e5);
  double width = 1;
  for (unsigned samples : {50u, 500u, 5000u, 50000u}) {
    Histogram histogram;
    for (unsigned i = 0; i < samples; ++i) histogram.Record(static_cast<uint64_t>(times(random)));
    const double now = MedianOf(histogram).RelativeWidth();
    EXPECT_LT(now, width / 2) << samples;
    width = now;
  }
}

}  // namespace
}  // namespace fv::stats
