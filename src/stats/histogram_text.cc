// SPDX-License-Identifier: Apache-2.0
#include "src/stats/histogram_text.h"

#include <algorithm>
#include <cmath>

#include "absl/strings/str_format.h"

namespace fv::stats {

std::string HistogramText(const Histogram& histogram, double unit) {
  std::string text = absl::StrFormat("%12s %14s %10s %14s\n\n", "Value", "Percentile", "TotalCount",
                                     "1/(1-Percentile)");
  const auto total = static_cast<double>(histogram.count());
  uint64_t so_far = 0;
  double sum = 0;
  double squares = 0;
  for (const Histogram::Bucket& bucket : histogram.Buckets()) {
    so_far += bucket.count;
    const double value = static_cast<double>(std::min(bucket.high, histogram.max())) / unit;
    const double share = static_cast<double>(so_far) / total;
    absl::StrAppendFormat(&text, "%12.3f %2.12f %10d", value, share, so_far);
    text += so_far == histogram.count() ? "\n" : absl::StrFormat(" %14.2f\n", 1 / (1 - share));
    const double middle = static_cast<double>(bucket.middle()) / unit;
    sum += middle * static_cast<double>(bucket.count);
    squares += middle * middle * static_cast<double>(bucket.count);
  }
  const double mean = total > 0 ? sum / total : 0;
  const double variance = total > 0 ? std::max(0.0, squares / total - mean * mean) : 0;
  absl::StrAppendFormat(&text, "#[Mean    = %12.3f, StdDeviation   = %12.3f]\n", mean,
                        std::sqrt(variance));
  absl::StrAppendFormat(&text, "#[Max     = %12.3f, Total count    = %12d]\n",
                        static_cast<double>(histogram.max()) / unit, histogram.count());
  absl::StrAppendFormat(&text, "#[Buckets = %12d, SubBuckets     = %12d]\n",
                        64 - Histogram::kExactBits + 1, Histogram::kExact);
  return text;
}

}  // namespace fv::stats
