// SPDX-License-Identifier: Apache-2.0
//
// Parts of Google Benchmark's JSON (docs/user_guide.md, "Output Formats"), for those who write it.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "src/bench/results.h"

namespace fv::bench {

// The object "context".
nlohmann::ordered_json ContextJson(const Context& context);

// A row of "benchmarks": `ns` is the time that its tools compare. `index` counts rows.
nlohmann::ordered_json GoogleRow(const std::string& name, size_t index, double ns, size_t samples);

// A distribution of picoseconds for a row: {"unit": "ps", "min": .., "max": ..,
// "buckets": [[low, high, count], ..]}, which Google's tools pass over; and back.
nlohmann::ordered_json HistogramJson(const stats::Histogram& histogram);
std::optional<stats::Histogram> HistogramFromJson(const nlohmann::json& json);

}  // namespace fv::bench
