// SPDX-License-Identifier: Apache-2.0
//
// Results for programs: Google Benchmark's JSON and CSV. Source of the form: Google Benchmark,
// docs/user_guide.md ("Output Formats") and src/json_reporter.cc; one row a case, the median as
// its time, the percentiles as counters.
#include <nlohmann/json.hpp>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "src/bench/format.h"

namespace fv::bench {
namespace {

using Json = nlohmann::ordered_json;

std::string RowName(const SizeResult& size, Side side, Metric metric) {
  return absl::StrCat(MetricName(metric), "/", SideName(side), "/bytes:", size.bytes);
}

void AddPhases(const SizeResult& size, Json& rows) {
  if (!size.phases) return;
  const PhaseSummary& phases = *size.phases;
  Json row = GoogleRow(absl::StrCat("fork_in_kernel/guest/bytes:", size.bytes), rows.size(),
                       phases.total_ns, phases.forks);
  row["bytes"] = size.bytes;
  for (size_t phase = 0; phase < kPhases; ++phase) {
    row[absl::StrCat(PhaseName(phase), "_ns")] = phases.ns[phase];
  }
  row["vmas"] = phases.vmas;
  row["ptes"] = phases.ptes;
  row["page_tables"] = phases.tables;
  row["frames"] = phases.frames;
  rows.push_back(row);
}

}  // namespace

Json ContextJson(const Context& context) {
  Json load = Json::array();
  for (double value : context.load) load.push_back(value);
  return {{"date", context.date},
          {"host_name", context.host_name},
          {"executable", context.executable},
          {"num_cpus", context.cpus},
          {"mhz_per_cpu", static_cast<int64_t>(context.mhz)},
          {"cpu_scaling_enabled", false},
          {"caches", Json::array()},
          {"load_avg", load},
          {"library_build_type", "release"},
          {"cpu", context.cpu},
          {"kernel", context.kernel},
          {"kvm_backend", context.kvm_backend},
          {"kernel_ring", context.kernel_ring},
          {"strategy", context.strategy},
          {"touch", context.touch},
          {"commit", context.commit}};
}

Json GoogleRow(const std::string& name, size_t index, double ns, size_t samples) {
  return {{"name", name},
          {"family_index", index},
          {"per_family_instance_index", 0},
          {"run_name", name},
          {"run_type", "iteration"},
          {"repetitions", 1},
          {"repetition_index", 0},
          {"threads", 1},
          {"iterations", samples},
          {"real_time", ns},
          {"cpu_time", ns},
          {"time_unit", "ns"}};
}

Json HistogramJson(const stats::Histogram& histogram) {
  Json buckets = Json::array();
  for (const stats::Histogram::Bucket& bucket : histogram.Buckets()) {
    buckets.push_back({bucket.low, bucket.high, bucket.count});
  }
  return {{"unit", "ps"}, {"min", histogram.min()}, {"max", histogram.max()}, {"buckets", buckets}};
}

std::optional<stats::Histogram> HistogramFromJson(const nlohmann::json& json) {
  try {
    if (json.at("unit") != "ps") return std::nullopt;
    std::vector<stats::Histogram::Bucket> buckets;
    for (const nlohmann::json& row : json.at("buckets")) {
      buckets.push_back({row.at(0), row.at(1), row.at(2)});
    }
    return stats::Histogram::FromBuckets(buckets, json.at("min"), json.at("max"));
  } catch (const nlohmann::json::exception&) {
    return std::nullopt;
  }
}

std::string FormatJson(const Results& results) {
  Json rows = Json::array();
  for (const SizeResult& size : results.sizes) {
    for (const auto& [key, summary] : size.times) {
      if (summary.count == 0) continue;
      const auto [side, metric] = key;
      Json row = GoogleRow(RowName(size, side, metric), rows.size(), summary.p50, summary.count);
      row["bytes"] = size.bytes;
      row["p50_ns"] = summary.p50;
      row["p90_ns"] = summary.p90;
      row["p99_ns"] = summary.p99;
      const auto distribution = size.distributions.find(key);
      if (distribution != size.distributions.end()) {
        row["histogram"] = HistogramJson(distribution->second);
      }
      const double pages = size.MappedPages();
      if (metric == Metric::kFork && pages > 0) row["ns_per_page"] = summary.p50 / pages;
      rows.push_back(row);
    }
    AddPhases(size, rows);
  }
  const Json whole = {{"context", ContextJson(results.context)}, {"benchmarks", rows}};
  return whole.dump(1) + "\n";
}

std::string FormatCsv(const Results& results) {
  std::string text = "metric,side,bytes,samples,p50_ns,p90_ns,p99_ns\n";
  for (const SizeResult& size : results.sizes) {
    for (const auto& [key, summary] : size.times) {
      if (summary.count == 0) continue;
      absl::StrAppendFormat(&text, "%s,%s,%d,%d,%.1f,%.1f,%.1f\n", MetricName(key.second),
                            SideName(key.first), size.bytes, summary.count, summary.p50,
                            summary.p90, summary.p99);
    }
    if (!size.phases) continue;
    for (size_t phase = 0; phase < kPhases; ++phase) {
      absl::StrAppendFormat(&text, "phase_%s,guest,%d,%d,%.1f,,\n", PhaseName(phase), size.bytes,
                            size.phases->forks, size.phases->ns[phase]);
    }
  }
  return text;
}

}  // namespace fv::bench
