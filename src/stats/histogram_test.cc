// SPDX-License-Identifier: Apache-2.0
//
// Properties of the histogram against the sorted samples themselves.
#include "src/stats/histogram.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>

#include "src/stats/histogram_text.h"

namespace fv::stats {
namespace {

// Values over many powers of two.
std::vector<uint64_t> Samples(uint32_t seed, size_t count) {
  std::mt19937_64 random(seed);
  std::lognormal_distribution<double> spread(12, 4);
  std::vector<uint64_t> samples;
  for (size_t i = 0; i < count; ++i) samples.push_back(static_cast<uint64_t>(spread(random)));
  return samples;
}

Histogram Of(const std::vector<uint64_t>& samples) {
  Histogram histogram;
  for (uint64_t sample : samples) histogram.Record(sample);
  return histogram;
}

TEST(Histogram, BucketsTileTheNumbers) {
  uint64_t next = 0;
  for (unsigned i = 0; i < 20 * Histogram::kExact; ++i) {
    const Histogram::Bucket bucket = Histogram::BucketOf(next);
    ASSERT_EQ(bucket.low, next);
    ASSERT_GE(bucket.high, bucket.low);
    ASSERT_EQ(Histogram::BucketOf(bucket.high), bucket);
    next = bucket.high + 1;
  }
  const uint64_t last = std::numeric_limits<uint64_t>::max();
  EXPECT_EQ(Histogram::BucketOf(last).high, last);
}

TEST(Histogram, NoBucketIsWiderThanAThousandth) {
  for (uint64_t value : Samples(1, 10000)) {
    const Histogram::Bucket bucket = Histogram::BucketOf(value);
    ASSERT_LE(bucket.low, value);
    ASSERT_GE(bucket.high, value);
    ASSERT_LE((bucket.high - bucket.low) * (Histogram::kExact / 2), value);
  }
}

TEST(Histogram, AgreesWithTheSortedSamples) {
  std::vector<uint64_t> samples = Samples(2, 5001);
  const Histogram histogram = Of(samples);
  std::sort(samples.begin(), samples.end());
  EXPECT_EQ(histogram.count(), samples.size());
  EXPECT_EQ(histogram.min(), samples.front());
  EXPECT_EQ(histogram.max(), samples.back());
  for (size_t rank = 0; rank < samples.size(); ++rank) {
    const auto exact = static_cast<double>(samples[rank]);
    ASSERT_NEAR(static_cast<double>(histogram.ValueAtRank(rank)), exact, exact / 1000 + 0.5);
  }
  for (double fraction : {0.0, 0.1, 0.5, 0.9, 0.99, 0.999, 1.0}) {
    const auto exact =
        static_cast<double>(samples[static_cast<size_t>(std::lround(fraction * 5000))]);
    EXPECT_NEAR(histogram.Percentile(fraction), exact, exact / 500 + 1) << fraction;
  }
}

TEST(Histogram, PercentilesOfSmallNumbersAreExact) {
  const Histogram histogram = Of({1, 2, 3, 4});
  EXPECT_DOUBLE_EQ(histogram.Percentile(0.5), 2.5);
  EXPECT_DOUBLE_EQ(histogram.Percentile(0), 1);
  EXPECT_DOUBLE_EQ(histogram.Percentile(1), 4);
  EXPECT_EQ(histogram.CountUpTo(2), 2u);
  EXPECT_EQ(Histogram().Percentile(0.5), 0);
}

TEST(Histogram, MergingIsRecordingBoth) {
  const std::vector<uint64_t> first = Samples(3, 1000);
  const std::vector<uint64_t> second = Samples(4, 500);
  std::vector<uint64_t> both = first;
  both.insert(both.end(), second.begin(), second.end());
  Histogram merged = Of(first);
  merged.Merge(Of(second));
  EXPECT_EQ(merged, Of(both));
  merged.Merge(Histogram());
  EXPECT_EQ(merged, Of(both));
  Histogram from_nothing;
  from_nothing.Merge(Of(second));
  EXPECT_EQ(from_nothing, Of(second));
}

TEST(Histogram, ComesBackFromItsBuckets) {
  const Histogram histogram = Of(Samples(5, 2000));
  const auto back = Histogram::FromBuckets(histogram.Buckets(), histogram.min(), histogram.max());
  ASSERT_TRUE(back.has_value());
  EXPECT_EQ(*back, histogram);
  EXPECT_TRUE(Histogram::FromBuckets({}, 0, 0).has_value());
}

TEST(Histogram, RefusesWhatIsNoExport) {
  const Histogram::Bucket good{5, 5, 1};
  EXPECT_TRUE(Histogram::FromBuckets({good}, 5, 5).has_value());
  EXPECT_FALSE(Histogram::FromBuckets({{5, 6, 1}}, 5, 5).has_value());
  EXPECT_FALSE(Histogram::FromBuckets({{5, 5, 0}}, 5, 5).has_value());
  EXPECT_FALSE(Histogram::FromBuckets({{1 << 20, (1 << 20) + 1, 1}}, 1 << 20, 1 << 20));
  EXPECT_FALSE(Histogram::FromBuckets({good}, 4, 5).has_value());
  EXPECT_FALSE(Histogram::FromBuckets({good}, 5, 6).has_value());
  EXPECT_FALSE(Histogram::FromBuckets({}, 0, 1).has_value());
}

TEST(HistogramText, ListsSharesUpwards) {
  const std::string text = HistogramText(Of({1000, 1000, 1000, 2000}), 1000);
  EXPECT_NE(text.find("       1.000 0.750000000000          3           4.00\n"), std::string::npos)
      << text;
  EXPECT_NE(text.find("       2.000 1.000000000000          4\n"), std::string::npos) << text;
  EXPECT_NE(text.find("#[Mean    =        1.250, StdDeviation   =        0.433]"),
            std::string::npos)
      << text;
}

}  // namespace
}  // namespace fv::stats
