// SPDX-License-Identifier: Apache-2.0
//
// Results for programs. JSON in Google Benchmark's form, a row a series of a cell, so that its
// tools read it; what forkvisor compare wants besides, every bucket and the median of each batch,
// stands in the row. CSV; and HdrHistogram's text.
#include <cmath>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "src/bench/format.h"
#include "src/lab/results.h"
#include "src/stats/histogram_text.h"

namespace fv::lab {
namespace {

using Json = nlohmann::ordered_json;

void AddCoordinates(const Cell& cell, Json& row) {
  row["system"] = cell.system;
  row["size"] = cell.size;
  row["touch"] = bench::TouchName(cell.touch);
  row["vmas"] = cell.vmas;
  row["depth"] = cell.depth;
  row["dirty"] = cell.dirty;
}

Json SeriesJson(const CellResult& result, const std::string& name, const Series& series,
                size_t index) {
  const stats::Median median = series.MedianNs();
  Json row = bench::GoogleRow(absl::StrCat(name, "/", CellName(result.cell)), index, median.value,
                              series.picoseconds.count());
  row["series"] = name;
  AddCoordinates(result.cell, row);
  row["rounds"] = result.rounds;
  if (result.huge_bytes > 0) row["huge_bytes"] = result.huge_bytes;
  row["low_ns"] = median.low;
  row["high_ns"] = median.high;
  row["interval_is_sure"] = median.sure;
  row["p50_ns"] = median.value;
  row["p90_ns"] = series.Ns(0.9);
  row["p99_ns"] = series.Ns(0.99);
  row["max_ns"] = series.Ns(1);
  row["round_medians_ns"] = series.round_medians_ns;
  row["histogram"] = bench::HistogramJson(series.picoseconds);
  return row;
}

Json CostsJson(const Cell& cell, Age age, const CostSummary& costs) {
  Json row = {{"cell", CellName(cell)}};
  AddCoordinates(cell, row);
  row["age"] = age == Age::kFirst ? "first" : "again";
  row["forks"] = costs.phases.forks;
  row["in_kernel_ns"] = costs.phases.total_ns;
  for (size_t phase = 0; phase < bench::kPhases; ++phase) {
    row[absl::StrCat(bench::PhaseName(phase), "_ns")] = costs.phases.ns[phase];
  }
  row["vmas_copied"] = costs.phases.vmas;
  row["ptes"] = costs.phases.ptes;
  row["page_tables"] = costs.phases.tables;
  row["frames"] = costs.phases.frames;
  row["flushes"] = costs.flushes;
  row["pages_copied_in_fork"] = costs.copied_in_fork;
  row["faults_parent"] = costs.faults_parent;
  row["faults_child"] = costs.faults_child;
  row["pages_copied_parent"] = costs.copied_parent;
  row["pages_copied_child"] = costs.copied_child;
  row["flushes_after"] = costs.flushes_after;
  row["bytes_copied"] = costs.bytes_copied;
  if (costs.kvm) {
    row["kvm_exits"] = costs.kvm->exits;
    row["kvm_emulated"] = costs.kvm->emulated;
    row["kvm_faults"] = costs.kvm->faults;
  }
  return row;
}

Json NoiseJson(const Noise& noise) {
  return {{"load_before", noise.load_before},
          {"load_highest", noise.load_highest},
          {"steal", noise.steal},
          {"calibration_spread", noise.CalibrationSpread()},
          {"warnings", NoiseWarnings(noise)}};
}

}  // namespace

std::string FormatLabJson(const LabResults& results) {
  Json context = bench::ContextJson(results.context);
  context["command"] = results.command;
  context["matrix"] = results.matrix;
  context["ended"] = EndedName(results.ended);
  context["target_width"] = results.target_width;
  context["seconds"] = results.seconds;
  context["noise"] = NoiseJson(results.noise);
  Json rows = Json::array();
  Json costs = Json::array();
  for (const CellResult& cell : results.cells) {
    for (const SeriesName& name : kSeries) {
      const Series* series = cell.Find(name.name);
      if (series != nullptr) rows.push_back(SeriesJson(cell, name.name, *series, rows.size()));
    }
    for (Age age : kAges) {
      const auto& summary = cell.costs[static_cast<size_t>(age)];
      if (summary) costs.push_back(CostsJson(cell.cell, age, *summary));
    }
  }
  return Json{{"context", context}, {"benchmarks", rows}, {"costs", costs}}.dump() + "\n";
}

std::string FormatLabCsv(const LabResults& results) {
  std::string text =
      "series,system,size,touch,vmas,depth,dirty,samples,rounds,p50_ns,low_ns,high_ns,p90_ns,"
      "p99_ns,max_ns\n";
  for (const CellResult& result : results.cells) {
    const Cell& cell = result.cell;
    for (const SeriesName& name : kSeries) {
      const Series* series = result.Find(name.name);
      if (series == nullptr) continue;
      const stats::Median median = series->MedianNs();
      absl::StrAppendFormat(&text, "%s,%s,%d,%s,%d,%d,%d,%d,%d,%.1f,%.1f,%.1f,%.1f,%.1f,%.1f\n",
                            name.name, cell.system, cell.size, bench::TouchName(cell.touch),
                            cell.vmas, cell.depth, cell.dirty, series->picoseconds.count(),
                            result.rounds, median.value, median.low, median.high, series->Ns(0.9),
                            series->Ns(0.99), series->Ns(1));
    }
  }
  return text;
}

std::string FormatHistograms(const LabResults& results) {
  constexpr double kPicosecondsOfMicrosecond = 1e6;
  std::string text;
  for (const CellResult& result : results.cells) {
    for (const SeriesName& name : kSeries) {
      const Series* series = result.Find(name.name);
      if (series == nullptr) continue;
      absl::StrAppend(&text, text.empty() ? "" : "\n", "#[", name.name, "/", CellName(result.cell),
                      ", us]\n",
                      stats::HistogramText(series->picoseconds, kPicosecondsOfMicrosecond));
    }
  }
  return text;
}

}  // namespace fv::lab
