// SPDX-License-Identifier: Apache-2.0
//
// A histogram as the text that HdrHistogram's tools write and plot (.hgrm): a line a bucket with
// value, share of samples at or below it, their number, and 1/(1-share).
#pragma once

#include <string>

#include "src/stats/histogram.h"

namespace fv::stats {

// Values are divided by `unit` (1000 shows nanoseconds as microseconds).
std::string HistogramText(const Histogram& histogram, double unit);

}  // namespace fv::stats
