// SPDX-License-Identifier: Apache-2.0
//
// Where the time and the memory of a fork go.
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "src/lab/report/charts.h"
#include "src/lab/report/figures.h"
#include "src/lab/report/slice.h"

namespace fv::lab::report {
namespace {

constexpr size_t kMostPhaseGroups = 4;
constexpr size_t kMostCountGroups = 12;
constexpr size_t kMostTailGroups = 2;

std::string CellLabel(const Group& group, const CellResult& cell, const char* age) {
  return absl::StrCat(cell.cell.system, " ", group.label, age[0] == '\0' ? "" : " ", age);
}

// Calls visit(label, costs) for each age of each guest's cell.
template <typename Visit>
void ForEachCost(const LabResults& results, size_t most, Visit visit) {
  for (const Group& group : LargestGroups(results.cells, most)) {
    for (const CellResult* cell : group.cells) {
      for (Age age : kAges) {
        const auto& costs = cell->costs[static_cast<size_t>(age)];
        if (costs) visit(CellLabel(group, *cell, age == Age::kFirst ? "first" : "again"), *costs);
      }
    }
  }
}

std::vector<Figure> PhasesFigure(const LabResults& results) {
  BarChart chart{.title = "Phases of a fork in the guest kernel",
                 .part_names = {},
                 .bars = {},
                 .length = BarChart::Length::kShare};
  Figure figure{.title = chart.title,
                .caption =
                    "By the time-stamp counter, medians of each phase; at the right their sum. "
                    "What the program sees beyond it is the way into the kernel and out",
                .svg = "",
                .table = {{"cell"}, {}}};
  for (size_t phase = 0; phase < bench::kPhases; ++phase) {
    chart.part_names.push_back(bench::PhaseName(phase));
    figure.table.head.push_back(bench::PhaseName(phase));
  }
  figure.table.head.push_back("whole fork");
  ForEachCost(results, kMostPhaseGroups, [&](const std::string& label, const CostSummary& costs) {
    chart.bars.push_back({label, {costs.phases.ns.begin(), costs.phases.ns.end()}});
    std::vector<std::string> row = {label};
    for (double ns : costs.phases.ns) row.push_back(bench::FormatTime(ns));
    row.push_back(bench::FormatTime(costs.phases.total_ns));
    figure.table.rows.push_back(row);
  });
  if (chart.bars.empty()) return {};
  figure.svg = Draw(chart);
  return {figure};
}

// The call, and what it left to be done by the writes.
std::vector<Figure> TailFigures(const LabResults& results) {
  static constexpr std::pair<const char*, const char*> kParts[] = {
      {"fork", "fork call"},
      {"child_writes", "writes of the child"},
      {"parent_writes", "writes of the parent"}};
  std::vector<Figure> figures;
  for (const Group& group : LargestGroups(results.cells, kMostTailGroups)) {
    BarChart chart{.title = absl::StrCat("The call and its tail: ", group.label),
                   .part_names = {},
                   .bars = {}};
    Figure figure{.title = chart.title,
                  .caption =
                      "First fork, then the child writes the dirty pages, then the parent. "
                      "A strategy that saves in the call pays in the writes. Medians",
                  .svg = "",
                  .table = {{"system", "fork call", "child writes", "parent writes"}, {}}};
    for (const auto& part : kParts) chart.part_names.push_back(part.second);
    for (const CellResult* cell : group.cells) {
      Bar bar{cell->cell.system, {}};
      std::vector<std::string> row = {cell->cell.system};
      for (const auto& part : kParts) {
        const Series* series = cell->Find(part.first);
        bar.parts.push_back(series == nullptr ? 0 : series->MedianNs().value);
        row.push_back(series == nullptr ? "-" : bench::FormatTime(bar.parts.back()));
      }
      if (cell->Find("fork") == nullptr) continue;
      chart.bars.push_back(bar);
      figure.table.rows.push_back(row);
    }
    if (chart.bars.empty()) continue;
    figure.svg = Draw(chart);
    figures.push_back(figure);
  }
  return figures;
}

std::vector<Figure> CountsFigure(const LabResults& results) {
  Figure figure{
      .title = "What a fork costs, counted",
      .caption =
          "From the guest kernel's events, medians. In the call: mappings, entries, tables, "
          "frames, pages copied, flushes. After it, until the child ends: faults and pages "
          "copied by child and parent. Bytes copied are those of all copied pages. What KVM did: "
          "for "
          "a fork again until the child was waited for, without events",
      .svg = "",
      .table = {{"cell", "VMAs", "PTEs", "tables", "frames", "copied", "flushes", "child faults",
                 "child copied", "parent faults", "parent copied", "bytes copied", "KVM exits",
                 "KVM emulated", "KVM page faults"},
                {}}};
  ForEachCost(results, kMostCountGroups, [&](const std::string& label, const CostSummary& costs) {
    std::vector<std::string> row = {label};
    for (double count :
         {costs.phases.vmas, costs.phases.ptes, costs.phases.tables, costs.phases.frames,
          costs.copied_in_fork, costs.flushes, costs.faults_child, costs.copied_child,
          costs.faults_parent, costs.copied_parent}) {
      row.push_back(absl::StrFormat("%.0f", count));
    }
    row.push_back(bench::FormatBytes(static_cast<uint64_t>(costs.bytes_copied)));
    for (const auto member : {&KvmPerFork::exits, &KvmPerFork::emulated, &KvmPerFork::faults}) {
      row.push_back(costs.kvm ? absl::StrFormat("%.0f", *costs.kvm.*member) : "-");
    }
    figure.table.rows.push_back(row);
  });
  if (figure.table.rows.empty()) return {};
  return {figure};
}

}  // namespace

std::vector<Figure> CostFigures(const LabResults& results) {
  std::vector<Figure> figures = PhasesFigure(results);
  for (Figure& figure : TailFigures(results)) figures.push_back(std::move(figure));
  for (Figure& figure : CountsFigure(results)) figures.push_back(std::move(figure));
  return figures;
}

}  // namespace fv::lab::report
