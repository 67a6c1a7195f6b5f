// SPDX-License-Identifier: Apache-2.0
#include "src/lab/report/comparison_page.h"

#include <algorithm>
#include <map>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "src/lab/axes.h"
#include "src/lab/report/charts.h"
#include "src/lab/report/document.h"

namespace fv::lab::report {
namespace {

constexpr char kTitle[] = "Fork, compared";

// The systems of both, in the order in which they come.
std::vector<std::string> SystemsOf(const ComparedResult& before, const ComparedResult& after) {
  std::vector<std::string> systems;
  for (const ComparedResult* result : {&before, &after}) {
    for (const Measured& row : result->rows) {
      if (std::find(systems.begin(), systems.end(), row.cell.system) == systems.end()) {
        systems.push_back(row.cell.system);
      }
    }
  }
  return systems;
}

// Rows of one system as cells of an experiment in which the two results are the systems: the
// figures over axes then draw a line for each.
void AddCells(const ComparedResult& result, const char* as, const std::string& system,
              std::vector<CellResult>& cells) {
  std::map<std::string, size_t> index;
  for (const Measured& row : result.rows) {
    if (row.cell.system != system) continue;
    const auto [found, is_new] = index.emplace(CellName(row.cell), cells.size());
    if (is_new) {
      cells.emplace_back().cell = row.cell;
      cells.back().cell.system = as;
    }
    cells[found->second].series[row.series] = row.distribution;
  }
}

std::vector<Figure> SideBySide(const ComparedResult& before, const ComparedResult& after,
                               const std::string& system) {
  LabResults both;
  AddCells(before, "before", system, both.cells);
  AddCells(after, "after", system, both.cells);
  return LatencyFigures(both);
}

std::vector<CellResult> CellsOf(const Comparisons& comparisons) {
  std::vector<CellResult> cells;
  for (const Comparison& comparison : comparisons.cells) {
    cells.emplace_back().cell = comparison.cell;
  }
  return cells;
}

std::vector<std::string> RatioWords(const stats::Ratio& ratio) {
  return {absl::StrFormat("%.3f", ratio.value), absl::StrFormat("%.3f", ratio.low),
          absl::StrFormat("%.3f", ratio.high)};
}

Figure RatioFigure(const Comparisons& comparisons, const std::string& series,
                   const std::vector<std::string>& systems, const std::vector<Axis>& axes) {
  DotChart chart{.title = absl::StrCat("After by before: ", series),
                 .dots = {},
                 .unit = DotChart::Unit::kRatio,
                 .x_title = "ratio, after by before"};
  Figure figure{.title = chart.title,
                .caption =
                    "Ratio of the medians with its 95 % interval; left of the line it got "
                    "quicker",
                .svg = "",
                .table = {{"cell", "system", "ratio", "from", "to"}, {}}};
  for (const Comparison& comparison : comparisons.cells) {
    if (comparison.series != series) continue;
    const std::string& system = comparison.cell.system;
    const std::string label = axes.empty() ? "all" : Label(comparison.cell, axes);
    const auto look = std::find(systems.begin(), systems.end(), system) - systems.begin();
    const stats::Ratio& ratio = comparison.ratio;
    chart.dots.push_back(
        {label, system, static_cast<size_t>(look), ratio.value, ratio.low, ratio.high});
    std::vector<std::string> row = {label, system};
    for (const std::string& word : RatioWords(ratio)) row.push_back(word);
    figure.table.rows.push_back(row);
  }
  figure.svg = Draw(chart);
  return figure;
}

std::vector<Figure> RatioFigures(const Comparisons& comparisons,
                                 const std::vector<std::string>& systems) {
  const std::vector<Axis> axes = VaryingAxes(CellsOf(comparisons));
  std::vector<std::string> seen;
  std::vector<Figure> figures;
  for (const Comparison& comparison : comparisons.cells) {
    const std::string& series = comparison.series;
    if (std::find(seen.begin(), seen.end(), series) != seen.end()) continue;
    seen.push_back(series);
    figures.push_back(RatioFigure(comparisons, series, systems, axes));
  }
  return figures;
}

Figure Everything(const Comparisons& comparisons) {
  Figure figure{.title = "All rows",
                .caption = "p is of Mann and Whitney's test, corrected for the number of rows",
                .svg = "",
                .table = {{"what", "before", "after", "ratio", "from", "to", "p", "verdict"}, {}}};
  for (const Comparison& row : comparisons.cells) {
    std::vector<std::string> words = {row.name, bench::FormatTime(row.before_ns),
                                      bench::FormatTime(row.after_ns)};
    for (const std::string& word : RatioWords(row.ratio)) words.push_back(word);
    words.insert(words.end(), {absl::StrFormat("%.2g", row.p), VerdictName(row.verdict)});
    figure.table.rows.push_back(words);
  }
  for (const std::string& name : comparisons.only_before) {
    figure.table.rows.push_back({name, "yes", "no", "", "", "", "", ""});
  }
  for (const std::string& name : comparisons.only_after) {
    figure.table.rows.push_back({name, "no", "yes", "", "", "", "", ""});
  }
  return figure;
}

void WriteOrigin(const char* which, const ComparedResult& result, Markup& page) {
  page.Open("p").Leaf("strong", {}, absl::StrCat(which, ": ", result.name));
  for (const std::string& text :
       {result.origin.date, result.origin.machine,
        result.origin.commit.empty() ? "" : absl::StrCat("commit ", result.origin.commit)}) {
    if (!text.empty()) page.Text(absl::StrCat(", ", text));
  }
  if (!result.origin.command.empty()) page.Text(" ").Leaf("code", {}, result.origin.command);
  page.Close();
}

void WriteHead(const ComparedResult& before, const ComparedResult& after,
               const Comparisons& comparisons, Markup& page) {
  const auto count = [&](Verdict verdict) {
    return std::count_if(comparisons.cells.begin(), comparisons.cells.end(),
                         [=](const Comparison& row) { return row.verdict == verdict; });
  };
  page.Open("header").Leaf("h1", {}, kTitle);
  WriteOrigin("Before", before, page);
  WriteOrigin("After", after, page);
  page.Leaf(
      "p", {},
      absl::StrFormat("%d rows compared: %d slower, %d faster, by more than %.3g %% and not "
                      "by chance (p below %.2g over all tests).",
                      comparisons.cells.size(), count(Verdict::kSlower), count(Verdict::kFaster),
                      comparisons.options.bound * 100, comparisons.options.significance));
  page.Leaf("p", {},
            "Dots over an axis are medians, whiskers their 95 % confidence intervals from order "
            "statistics. Ratios are Hodges and Lehmann's estimate over the batches of both.");
  page.Close();
}

}  // namespace

std::string ComparisonPage(const ComparedResult& before, const ComparedResult& after,
                           const Comparisons& comparisons) {
  const std::string which = absl::StrCat("Before: ", before.name, ", after: ", after.name, ".");
  const std::vector<std::string> systems = SystemsOf(before, after);
  Markup page;
  BeginPage(kTitle, page);
  WriteHead(before, after, comparisons, page);
  page.Open("main");
  for (const std::string& system : systems) {
    WriteSection(system.c_str(), SideBySide(before, after, system), which, page);
  }
  WriteSection("Ratios", RatioFigures(comparisons, systems), which, page);
  WriteSection("Rows", {Everything(comparisons)}, which, page);
  return FinishPage(page);
}

}  // namespace fv::lab::report
