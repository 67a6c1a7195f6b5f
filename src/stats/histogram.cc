// SPDX-License-Identifier: Apache-2.0
#include "src/stats/histogram.h"

#include <algorithm>
#include <bit>
#include <cmath>

namespace fv::stats {

Histogram::Bucket Histogram::BucketOf(uint64_t value) {
  const unsigned bits = static_cast<unsigned>(std::bit_width(value));
  const unsigned shift = bits > kExactBits ? bits - kExactBits : 0;
  const uint64_t low = value >> shift << shift;
  return {low, low + ((uint64_t{1} << shift) - 1), 0};
}

void Histogram::Record(uint64_t value, uint64_t times) {
  if (times == 0) return;
  min_ = count_ == 0 ? value : std::min(min_, value);
  max_ = std::max(max_, value);
  count_ += times;
  counts_[BucketOf(value).low] += times;
}

void Histogram::Merge(const Histogram& other) {
  if (other.empty()) return;
  min_ = count_ == 0 ? other.min_ : std::min(min_, other.min_);
  max_ = std::max(max_, other.max_);
  count_ += other.count_;
  for (const auto& [low, count] : other.counts_) counts_[low] += count;
}

uint64_t Histogram::ValueAtRank(uint64_t rank) const {
  if (rank + 1 >= count_) return max_;
  if (rank == 0) return min_;
  uint64_t below = 0;
  for (const auto& [low, count] : counts_) {
    below += count;
    if (rank < below) return std::clamp(BucketOf(low).middle(), min_, max_);
  }
  return max_;
}

double Histogram::Percentile(double fraction) const {
  if (count_ == 0) return 0;
  const double place = std::clamp(fraction, 0.0, 1.0) * static_cast<double>(count_ - 1);
  const auto rank = static_cast<uint64_t>(std::floor(place));
  const auto below = static_cast<double>(ValueAtRank(rank));
  const auto above = static_cast<double>(ValueAtRank(rank + 1));
  return below + (place - static_cast<double>(rank)) * (above - below);
}

uint64_t Histogram::CountUpTo(uint64_t value) const {
  uint64_t total = 0;
  const auto end = counts_.upper_bound(value);
  for (auto at = counts_.begin(); at != end; ++at) total += at->second;
  return total;
}

std::vector<Histogram::Bucket> Histogram::Buckets() const {
  std::vector<Bucket> buckets;
  buckets.reserve(counts_.size());
  for (const auto& [low, count] : counts_) {
    Bucket bucket = BucketOf(low);
    bucket.count = count;
    buckets.push_back(bucket);
  }
  return buckets;
}

std::optional<Histogram> Histogram::FromBuckets(const std::vector<Bucket>& buckets, uint64_t min,
                                                uint64_t max) {
  Histogram histogram;
  for (const Bucket& bucket : buckets) {
    const Bucket right = BucketOf(bucket.low);
    if (right.low != bucket.low || right.high != bucket.high || bucket.count == 0) {
      return std::nullopt;
    }
    histogram.Record(bucket.middle(), bucket.count);
  }
  if (histogram.empty()) {
    return min == 0 && max == 0 ? std::optional(histogram) : std::nullopt;
  }
  if (min > max || BucketOf(min).low != histogram.counts_.begin()->first ||
      BucketOf(max).low != histogram.counts_.rbegin()->first) {
    return std::nullopt;
  }
  histogram.min_ = min;
  histogram.max_ = max;
  return histogram;
}

}  // namespace fv::stats
