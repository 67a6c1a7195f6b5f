// SPDX-License-Identifier: Apache-2.0
//
// Percentiles against values worked out by hand (numpy.percentile gives the same).
#include "src/bench/statistics.h"

#include <gtest/gtest.h>

#include <vector>

namespace fv::bench {
namespace {

TEST(Percentile, InterpolatesBetweenNeighbours) {
  const std::vector<double> values = {10, 20, 30, 40};
  EXPECT_DOUBLE_EQ(Percentile(values, 0), 10);
  EXPECT_DOUBLE_EQ(Percentile(values, 0.5), 25);
  EXPECT_DOUBLE_EQ(Percentile(values, 0.9), 37);
  EXPECT_DOUBLE_EQ(Percentile(values, 1), 40);
}

TEST(Percentile, OfOneSampleIsTheSample) {
  const std::vector<double> one = {7};
  EXPECT_DOUBLE_EQ(Percentile(one, 0.99), 7);
}

TEST(Summarize, SortsAndScales) {
  const std::vector<uint64_t> samples = {300, 100, 200};
  const Summary summary = Summarize(samples, 0.5);
  EXPECT_DOUBLE_EQ(summary.p50, 100);
  EXPECT_DOUBLE_EQ(summary.p90, 140);
  EXPECT_NEAR(summary.p99, 149, 1e-9);
  EXPECT_EQ(summary.count, 3u);
}

TEST(Summarize, NothingIsNothing) { EXPECT_EQ(Summarize({}).count, 0u); }

}  // namespace
}  // namespace fv::bench
