// SPDX-License-Identifier: Apache-2.0
//
// Results as tables for people: a table a question, a row a cell, only axes that vary as columns.
#include <cmath>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "src/bench/table.h"
#include "src/lab/axes.h"
#include "src/lab/results.h"

namespace fv::lab {
namespace {

using bench::FormatTime;
using bench::Table;

constexpr char kNone[] = "-";

// The series that have a table of their own; the others have a column.
constexpr const char* kFullTables[] = {"fork", "fork_again", "start", "done"};
constexpr const char* kOtherWays[] = {"fork_exit_wait", "vfork_exit_wait", "fork_exec",
                                      "vfork_exec", "spawn"};
constexpr const char* kTails[] = {"child_writes", "parent_writes", "child_writes_again",
                                  "parent_writes_again"};

class Writer {
 public:
  explicit Writer(const LabResults& results)
      : results_(results), axes_(VaryingAxes(results.cells)) {}

  std::string Text() {
    Head();
    for (const char* name : kFullTables) SeriesTable(name);
    MediansTable("Writes of the dirty pages after a fork, all of them together: medians", kTails);
    MediansTable("Other ways to make a process, pages shared already: medians", kOtherWays);
    CostsTable();
    PhasesTable();
    for (const std::string& warning : NoiseWarnings(results_.noise)) {
      absl::StrAppend(&text_, "warning: ", warning, "\n");
    }
    return std::move(text_);
  }

 private:
  void Head() {
    const bench::Context& context = results_.context;
    absl::StrAppendFormat(&text_,
                          "%s, %d CPUs, Linux %s, KVM %s, guest kernel in ring %s, commit %s\n%s\n",
                          context.cpu, context.cpus, context.kernel, context.kvm_backend,
                          context.kernel_ring, context.commit, results_.command);
    const std::string fixed = FixedAxes(results_.cells);
    absl::StrAppendFormat(&text_, "%d cells, %.0f s, ended: %s%s%s\n", results_.cells.size(),
                          results_.seconds, EndedName(results_.ended),
                          fixed.empty() ? "" : "; all with ", fixed);
    absl::StrAppend(&text_,
                    "Intervals are 95 % confidence intervals of the median; ? where there are too "
                    "few samples.\n");
  }

  std::vector<std::string> HeadRow(std::vector<std::string> columns) const {
    std::vector<std::string> row = {"system"};
    for (Axis axis : axes_) row.push_back(AxisName(axis));
    row.insert(row.end(), columns.begin(), columns.end());
    return row;
  }
  std::vector<std::string> RowFor(const Cell& cell) const {
    std::vector<std::string> row = {cell.system};
    for (Axis axis : axes_) row.push_back(AxisValue(cell, axis));
    return row;
  }

  void SeriesTable(const std::string& name) {
    for (const SeriesName& known : kSeries) {
      if (known.name == name) absl::StrAppend(&text_, "\n", name, ": ", known.meaning, "\n\n");
    }
    Table table(HeadRow({"samples", "median", "interval", "width", "p90", "p99", "max"}));
    for (const CellResult& cell : results_.cells) {
      std::vector<std::string> row = RowFor(cell.cell);
      const Series* series = cell.Find(name);
      if (series == nullptr) {
        row.insert(row.end(), {"0", "not measured"});
        table.Add(row);
        continue;
      }
      const stats::Median median = series->MedianNs();
      const std::string width =
          median.sure ? absl::StrFormat("%.1f %%", median.RelativeWidth() * 100) : "?";
      row.insert(row.end(), {absl::StrCat(series->picoseconds.count()), FormatTime(median.value),
                             absl::StrCat(FormatTime(median.low), " .. ", FormatTime(median.high)),
                             width, FormatTime(series->Ns(0.9)), FormatTime(series->Ns(0.99)),
                             FormatTime(series->Ns(1))});
      table.Add(row);
    }
    text_ += table.Text();
  }

  template <size_t kCount>
  void MediansTable(const char* title, const char* const (&names)[kCount]) {
    bool any = false;
    Table table(HeadRow({names, names + kCount}));
    for (const CellResult& cell : results_.cells) {
      std::vector<std::string> row = RowFor(cell.cell);
      for (const char* name : names) {
        const Series* series = cell.Find(name);
        any = any || series != nullptr;
        row.push_back(series == nullptr ? kNone : FormatTime(series->MedianNs().value));
      }
      table.Add(row);
    }
    if (any) absl::StrAppend(&text_, "\n", title, "\n\n", table.Text());
  }

  template <typename AddRow>
  void GuestTable(const char* title, Table table, AddRow add_row) {
    bool any = false;
    for (const CellResult& cell : results_.cells) {
      for (Age age : kAges) {
        const auto& costs = cell.costs[static_cast<size_t>(age)];
        if (!costs) continue;
        any = true;
        std::vector<std::string> row = RowFor(cell.cell);
        row.push_back(age == Age::kFirst ? "first" : "again");
        add_row(*costs, row);
        table.Add(row);
      }
    }
    if (any) absl::StrAppend(&text_, "\n", title, "\n\n", table.Text());
  }

  void CostsTable() {
    GuestTable("What a fork costs, from the guest kernel's events: in the call, and after it",
               Table(HeadRow({"fork", "VMAs", "PTEs", "tables", "frames", "copied", "flushes",
                              "child faults", "child copied", "parent faults", "parent copied",
                              "flushes after", "bytes copied", "KVM exits", "emulated", "shadow"})),
               [](const CostSummary& costs, std::vector<std::string>& row) {
                 for (double count : {costs.phases.vmas, costs.phases.ptes, costs.phases.tables,
                                      costs.phases.frames, costs.copied_in_fork, costs.flushes,
                                      costs.faults_child, costs.copied_child, costs.faults_parent,
                                      costs.copied_parent, costs.flushes_after}) {
                   row.push_back(absl::StrFormat("%.0f", count));
                 }
                 row.push_back(bench::FormatBytes(static_cast<uint64_t>(costs.bytes_copied)));
                 for (const auto member :
                      {&KvmPerFork::exits, &KvmPerFork::emulated, &KvmPerFork::faults}) {
                   row.push_back(costs.kvm ? absl::StrFormat("%.0f", *costs.kvm.*member) : kNone);
                 }
               });
  }

  void PhasesTable() {
    std::vector<std::string> columns = {"fork"};
    for (size_t phase = 0; phase < bench::kPhases; ++phase) {
      columns.push_back(bench::PhaseName(phase));
    }
    columns.push_back("in kernel");
    GuestTable("Inside the guest kernel, by the time-stamp counter: medians",
               Table(HeadRow(columns)),
               [](const CostSummary& costs, std::vector<std::string>& row) {
                 for (double ns : costs.phases.ns) row.push_back(FormatTime(ns));
                 row.push_back(FormatTime(costs.phases.total_ns));
               });
  }

  const LabResults& results_;
  std::vector<Axis> axes_;
  std::string text_;
};

}  // namespace

std::string FormatLabTable(const LabResults& results) { return Writer(results).Text(); }

}  // namespace fv::lab
