// SPDX-License-Identifier: Apache-2.0
//
// Tests of two samples against published tables, against each other, and by simulation.
#include "src/stats/two_samples.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>
#include <vector>

namespace fv::stats {
namespace {

std::vector<double> Lognormal(std::mt19937_64& random, double median, size_t count) {
  std::lognormal_distribution<double> spread(std::log(median), 0.1);
  std::vector<double> samples;
  for (size_t i = 0; i < count; ++i) samples.push_back(spread(random));
  return samples;
}

TEST(MannWhitney, AgreesWithTheExactDistribution) {
  const std::vector<double> a = {1, 2, 3, 4};
  const std::vector<double> b = {5, 6, 7, 8};
  EXPECT_NEAR(MannWhitneyP(a, b), 2.0 / 70, 1e-12);  // one arrangement of 70 at each end
  EXPECT_NEAR(MannWhitneyP(b, a), 2.0 / 70, 1e-12);
  const std::vector<double> mixed = {2.5, 4.5, 6, 7};  // U = 2: 1, 1, 2 of 70 up to it
  EXPECT_NEAR(MannWhitneyP(a, mixed), 2.0 * (1 + 1 + 2) / 70, 1e-12);
}

TEST(MannWhitney, EqualSetsDoNotDiffer) {
  const std::vector<double> same(20, 7.0);
  EXPECT_DOUBLE_EQ(MannWhitneyP(same, same), 1);
  EXPECT_DOUBLE_EQ(MannWhitneyP(same, {}), 1);
  const std::vector<double> few = {1, 2, 2, 3};
  EXPECT_DOUBLE_EQ(MannWhitneyP(few, few), 1);
}

TEST(MannWhitney, TheApproximationIsCloseToTheExactOne) {
  std::mt19937_64 random(1);
  const std::vector<double> a = Lognormal(random, 1, 30);
  std::vector<double> b = Lognormal(random, 1.05, 30);
  const double exact = MannWhitneyP(a, b);
  b.push_back(b.back() * 1.0001);  // one more sample: the approximation
  EXPECT_NEAR(MannWhitneyP(a, b), exact, 0.05);
}

TEST(MannWhitney, RejectsEqualDistributionsAsRarelyAsItSays) {
  std::mt19937_64 random(2);
  unsigned rejected = 0;
  constexpr unsigned kTimes = 2000;
  for (unsigned i = 0; i < kTimes; ++i) {
    const std::vector<double> a = Lognormal(random, 1, 12);
    const std::vector<double> b = Lognormal(random, 1, 9);
    rejected += MannWhitneyP(a, b) < 0.05;
  }
  EXPECT_LE(rejected, kTimes * 7 / 100);
  EXPECT_GE(rejected, kTimes * 3 / 100);
}

TEST(HodgesLehmann, FindsTheRatioAndCoversIt) {
  std::mt19937_64 random(3);
  unsigned covered = 0;
  constexpr unsigned kTimes = 1000;
  for (unsigned i = 0; i < kTimes; ++i) {
    const std::vector<double> a = Lognormal(random, 100, 15);
    const std::vector<double> b = Lognormal(random, 130, 15);
    const Ratio ratio = HodgesLehmannRatio(a, b);
    ASSERT_LE(ratio.low, ratio.value);
    ASSERT_GE(ratio.high, ratio.value);
    covered += ratio.low <= 1.3 && 1.3 <= ratio.high;
  }
  EXPECT_GE(covered, kTimes * 93 / 100);
  EXPECT_LE(covered, kTimes * 98 / 100);
}

TEST(HodgesLehmann, TheOtherWayRoundIsTheInverse) {
  std::mt19937_64 random(4);
  for (size_t count : {5u, 40u}) {
    const std::vector<double> a = Lognormal(random, 100, count);
    const std::vector<double> b = Lognormal(random, 90, count + 1);
    const Ratio forth = HodgesLehmannRatio(a, b);
    const Ratio back = HodgesLehmannRatio(b, a);
    EXPECT_NEAR(forth.value * back.value, 1, 1e-9);
    EXPECT_NEAR(forth.low * back.high, 1, 1e-9);
    EXPECT_NEAR(forth.high * back.low, 1, 1e-9);
  }
}

// A long experiment: all pairs of these would be more than any memory.
TEST(HodgesLehmann, OfManySamplesSomeAreEnough) {
  std::mt19937_64 random(6);
  const std::vector<double> a = Lognormal(random, 100, 3'000'000);
  const std::vector<double> b = Lognormal(random, 130, 3'000'000);
  const Ratio ratio = HodgesLehmannRatio(a, b);
  EXPECT_NEAR(ratio.low, 1.3, 0.05);
  EXPECT_NEAR(ratio.high, 1.3, 0.05);
}

// The interval leaves out 1 exactly when the test rejects.
TEST(HodgesLehmann, AgreesWithTheTest) {
  std::mt19937_64 random(5);
  for (unsigned i = 0; i < 300; ++i) {
    const std::vector<double> a = Lognormal(random, 1, 8);
    const std::vector<double> b = Lognormal(random, 1.1, 9);
    const Ratio ratio = HodgesLehmannRatio(a, b);
    EXPECT_EQ(ratio.low > 1 || ratio.high < 1, MannWhitneyP(a, b) <= 0.05) << i;
  }
}

}  // namespace
}  // namespace fv::stats
