// SPDX-License-Identifier: Apache-2.0
//
// A distribution of whole numbers in log-linear buckets, after Gil Tene's HdrHistogram: values
// below kExact have a bucket each, above that every power of two is cut into kExact/2 equal
// buckets. A bucket is therefore never wider than a thousandth of its values (2/kExact), whatever
// their size. Only buckets that hold something take memory. Minimum and maximum are kept exactly.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <vector>

namespace fv::stats {

class Histogram {
 public:
  static constexpr unsigned kExactBits = 11;
  static constexpr uint64_t kExact = uint64_t{1} << kExactBits;

  struct Bucket {
    uint64_t low = 0;   // smallest value that falls into it
    uint64_t high = 0;  // largest
    uint64_t count = 0;
    uint64_t middle() const { return low + (high - low) / 2; }
    bool operator==(const Bucket&) const = default;
  };

  // The bucket of a value, with count 0.
  static Bucket BucketOf(uint64_t value);

  void Record(uint64_t value, uint64_t times = 1);
  void Merge(const Histogram& other);

  uint64_t count() const { return count_; }
  bool empty() const { return count_ == 0; }
  uint64_t min() const { return min_; }  // 0 if empty
  uint64_t max() const { return max_; }

  // The value of the sample that has `rank` samples below it, as exactly as its bucket is wide:
  // the bucket's middle, kept between minimum and maximum. The highest for a rank beyond the end;
  // 0 if empty.
  uint64_t ValueAtRank(uint64_t rank) const;
  // The value below or at which `fraction` (0 to 1) of the samples lie, interpolated between the
  // two nearest (definition R-7, as numpy and R have it).
  double Percentile(double fraction) const;
  // Samples at or below `value`, counting all of its bucket.
  uint64_t CountUpTo(uint64_t value) const;

  // Those that hold something, upwards.
  std::vector<Bucket> Buckets() const;
  // A histogram with these buckets: each count is recorded at its bucket's middle, so that one that
  // was exported comes back with the same buckets, and with `min` and `max` exactly. nullopt if
  // these lie outside of the lowest or highest bucket, a bucket is not one, or a count is 0.
  static std::optional<Histogram> FromBuckets(const std::vector<Bucket>& buckets, uint64_t min,
                                              uint64_t max);

  bool operator==(const Histogram&) const = default;

 private:
  std::map<uint64_t, uint64_t> counts_;  // by a bucket's lowest value
  uint64_t count_ = 0;
  uint64_t min_ = 0;
  uint64_t max_ = 0;
};

}  // namespace fv::stats
