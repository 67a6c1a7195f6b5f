// SPDX-License-Identifier: Apache-2.0
//
// Figures whose values are medians with intervals: over the axes, against Linux, by way.
#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "src/lab/report/charts.h"
#include "src/lab/report/figures.h"
#include "src/lab/report/slice.h"
#include "src/stats/two_samples.h"

namespace fv::lab::report {
namespace {

using bench::FormatTime;

struct Metric {
  const char* series;
  const char* title;
};
constexpr Metric kOverAxes[] = {{"fork", "First fork"},
                                {"fork_again", "Fork again"},
                                {"start", "Fork to the child's first instruction"},
                                {"done", "Fork until both have written and the child is gone"}};
constexpr Metric kAgainstLinux[] = {
    {"fork", "fork"}, {"fork_again", "fork again"}, {"done", "done"}};
constexpr const char* kWays[] = {"fork_exit_wait", "vfork_exit_wait", "fork_exec", "vfork_exec",
                                 "spawn"};
// More rows than this are no chart.
constexpr size_t kMostRatioGroups = 10;

std::string Meaning(const std::string& series) {
  for (const SeriesName& known : kSeries) {
    if (known.name == series) return known.meaning;
  }
  return series;
}

std::vector<std::string> MedianRow(const CellResult& cell, const Series& series,
                                   std::vector<std::string> row) {
  const stats::Median median = series.MedianNs();
  row.insert(row.end(),
             {cell.cell.system, FormatTime(median.value), FormatTime(median.low),
              FormatTime(median.high), FormatTime(series.Ns(0.9)), FormatTime(series.Ns(0.99)),
              FormatTime(series.Ns(1)), absl::StrCat(series.picoseconds.count())});
  return row;
}
std::vector<std::string> MedianHead(const std::string& first) {
  return {first, "system", "median", "from", "to", "p90", "p99", "max", "samples"};
}

// On a log axis 0 has a place of its own, left of the smallest number.
double Placed(double number, double smallest) { return number > 0 ? number : smallest / 8; }

Figure LatencyFigure(const LabResults& results, Axis axis, const Metric& metric) {
  const Slice slice = SliceAlong(results.cells, axis);
  const bool log = axis == Axis::kSize || axis == Axis::kVmas;
  double smallest = 1e300;
  for (const CellResult* cell : slice.cells) {
    const double number = AxisNumber(cell->cell, axis);
    if (number > 0) smallest = std::min(smallest, number);
  }
  LineChart chart{.title = absl::StrCat(metric.title, " by ", AxisName(axis)),
                  .x_title = AxisName(axis),
                  .x_kind = log ? Scale::Kind::kLog : Scale::Kind::kLinear,
                  .x_ticks = {},
                  .lines = {}};
  Figure figure{.title = chart.title, .caption = Meaning(metric.series), .svg = "", .table = {}};
  if (!slice.fixed.empty()) absl::StrAppend(&figure.caption, ". With ", slice.fixed);
  figure.table.head = MedianHead(AxisName(axis));
  const std::vector<std::string> systems = Systems(results.cells);
  for (size_t look = 0; look < systems.size(); ++look) {
    Line line{.name = systems[look], .look = look, .points = {}};
    for (const CellResult* cell : slice.cells) {
      const Series* series = cell->Find(metric.series);
      if (cell->cell.system != systems[look] || series == nullptr) continue;
      const stats::Median median = series->MedianNs();
      const double x =
          log ? Placed(AxisNumber(cell->cell, axis), smallest) : AxisNumber(cell->cell, axis);
      line.points.push_back({x, median.value, median.low, median.high});
      chart.x_ticks.push_back({x, AxisValue(cell->cell, axis)});
      figure.table.rows.push_back(MedianRow(*cell, *series, {AxisValue(cell->cell, axis)}));
    }
    std::sort(line.points.begin(), line.points.end(),
              [](const Point& a, const Point& b) { return a.x < b.x; });
    if (!line.points.empty()) chart.lines.push_back(line);
  }
  std::sort(chart.x_ticks.begin(), chart.x_ticks.end(),
            [](const Tick& a, const Tick& b) { return a.value < b.value; });
  chart.x_ticks.erase(std::unique(chart.x_ticks.begin(), chart.x_ticks.end(),
                                  [](const Tick& a, const Tick& b) { return a.value == b.value; }),
                      chart.x_ticks.end());
  if (!chart.lines.empty()) figure.svg = Draw(chart);
  return figure;
}

const CellResult* NativeOf(const Group& group) {
  for (const CellResult* cell : group.cells) {
    if (cell->cell.system == kNative) return cell;
  }
  return nullptr;
}

}  // namespace

std::vector<Figure> LatencyFigures(const LabResults& results) {
  std::vector<Figure> figures;
  for (Axis axis : VaryingAxes(results.cells)) {
    if (axis == Axis::kTouch) continue;  // no numbers
    for (const Metric& metric : kOverAxes) {
      Figure figure = LatencyFigure(results, axis, metric);
      if (!figure.svg.empty()) figures.push_back(std::move(figure));
    }
  }
  return figures;
}

std::vector<Figure> RatioFigures(const LabResults& results) {
  DotChart chart{.title = "Guest by native",
                 .dots = {},
                 .unit = DotChart::Unit::kRatio,
                 .x_title = "ratio to native"};
  Figure figure{.title = chart.title,
                .caption =
                    "Ratio of the medians to this Linux without huge pages, of batches, with "
                    "its 95 % interval; left of the line the guest is quicker",
                .svg = "",
                .table = {{"what", "system", "ratio", "from", "to"}, {}}};
  const std::vector<std::string> systems = Systems(results.cells);
  for (const Group& group : LargestGroups(results.cells, kMostRatioGroups)) {
    const CellResult* native = NativeOf(group);
    if (native == nullptr) continue;
    for (const Metric& metric : kAgainstLinux) {
      for (const CellResult* cell : group.cells) {
        const Series* theirs = native->Find(metric.series);
        const Series* ours = cell->Find(metric.series);
        if (cell == native || theirs == nullptr || ours == nullptr) continue;
        const stats::Ratio ratio =
            stats::HodgesLehmannRatio(theirs->round_medians_ns, ours->round_medians_ns);
        const std::string& system = cell->cell.system;
        const std::string label = absl::StrCat(group.label, ": ", metric.title);
        const auto look = std::find(systems.begin(), systems.end(), system) - systems.begin();
        chart.dots.push_back(
            {label, system, static_cast<size_t>(look), ratio.value, ratio.low, ratio.high});
        figure.table.rows.push_back({label, system, absl::StrFormat("%.3f", ratio.value),
                                     absl::StrFormat("%.3f", ratio.low),
                                     absl::StrFormat("%.3f", ratio.high)});
      }
    }
  }
  if (chart.dots.empty()) return {};
  figure.svg = Draw(chart);
  return {figure};
}

std::vector<Figure> WaysFigures(const LabResults& results) {
  std::vector<Figure> figures;
  const std::vector<std::string> systems = Systems(results.cells);
  for (const Group& group : LargestGroups(results.cells, 2)) {
    DotChart chart{.title = absl::StrCat("Ways to make a process: ", group.label), .dots = {}};
    Figure figure{.title = chart.title,
                  .caption =
                      "From the call until the child was waited for: one that ends at once, "
                      "or executes a program that does. Medians with intervals",
                  .svg = "",
                  .table = {MedianHead("way"), {}}};
    for (const char* way : kWays) {
      for (const CellResult* cell : group.cells) {
        const Series* series = cell->Find(way);
        if (series == nullptr) continue;
        const stats::Median median = series->MedianNs();
        const std::string& system = cell->cell.system;
        const auto look = std::find(systems.begin(), systems.end(), system) - systems.begin();
        chart.dots.push_back(
            {way, system, static_cast<size_t>(look), median.value, median.low, median.high});
        figure.table.rows.push_back(MedianRow(*cell, *series, {way}));
      }
    }
    if (chart.dots.empty()) continue;
    figure.svg = Draw(chart);
    figures.push_back(figure);
  }
  return figures;
}

}  // namespace fv::lab::report
