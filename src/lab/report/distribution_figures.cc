// SPDX-License-Identifier: Apache-2.0
//
// Percentiles, on an axis on which each further nine has the same room.
#include <algorithm>
#include <cmath>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "src/lab/report/charts.h"
#include "src/lab/report/figures.h"
#include "src/lab/report/slice.h"

namespace fv::lab::report {
namespace {

constexpr size_t kMostGroups = 2;
constexpr double kPointsOfDecade = 20;
constexpr double kShares[] = {0, 0.5, 0.9, 0.99, 0.999, 0.9999};

double Place(double share) { return 1 / (1 - share); }

// Up to the highest sample that stands for itself.
Line PercentileLine(const std::string& name, size_t look, const Series& series) {
  Line line{.name = name, .look = look, .points = {}, .markers = false};
  const auto samples = static_cast<double>(series.picoseconds.count());
  for (double step = 0;; ++step) {
    const double place = std::min(samples, std::pow(10, step / kPointsOfDecade));
    const double ns = series.Ns(1 - 1 / place);
    line.points.push_back({place, ns, ns, ns});
    if (place >= samples) break;
  }
  return line;
}

std::vector<Tick> ShareTicks(double most) {
  std::vector<Tick> ticks;
  for (double share : kShares) {
    if (Place(share) <= most)
      ticks.push_back({Place(share), absl::StrFormat("%g %%", share * 100)});
  }
  ticks.push_back({most, ""});
  return ticks;
}

Figure DistributionFigure(const LabResults& results, const Group& group, const SeriesName& name) {
  Figure figure{
      .title = absl::StrCat("Percentiles of ", name.name, ": ", group.label),
      .caption = absl::StrCat(name.meaning, ". Read: so many of all took no longer"),
      .svg = "",
      .table = {{"system", "samples", "min", "50 %", "90 %", "99 %", "99.9 %", "max"}, {}}};
  LineChart chart{
      .title = figure.title, .x_title = "share of the samples", .x_ticks = {}, .lines = {}};
  const std::vector<std::string> systems = Systems(results.cells);
  double most = 10;
  for (const CellResult* cell : group.cells) {
    const Series* series = cell->Find(name.name);
    if (series == nullptr) continue;
    const std::string& system = cell->cell.system;
    const auto look = std::find(systems.begin(), systems.end(), system) - systems.begin();
    chart.lines.push_back(PercentileLine(system, static_cast<size_t>(look), *series));
    most = std::max(most, static_cast<double>(series->picoseconds.count()));
    std::vector<std::string> row = {system, absl::StrCat(series->picoseconds.count())};
    for (double share : {0.0, 0.5, 0.9, 0.99, 0.999, 1.0}) {
      row.push_back(bench::FormatTime(series->Ns(share)));
    }
    figure.table.rows.push_back(row);
  }
  chart.x_ticks = ShareTicks(most);
  if (!chart.lines.empty()) figure.svg = Draw(chart);
  return figure;
}

}  // namespace

std::vector<Figure> DistributionFigures(const LabResults& results) {
  std::vector<Figure> figures;
  for (const Group& group : LargestGroups(results.cells, kMostGroups)) {
    for (const SeriesName& name : {kSeries[0], kSeries[1]}) {
      Figure figure = DistributionFigure(results, group, name);
      if (!figure.svg.empty()) figures.push_back(std::move(figure));
    }
  }
  return figures;
}

}  // namespace fv::lab::report
