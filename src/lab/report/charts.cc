// SPDX-License-Identifier: Apache-2.0
#include "src/lab/report/charts.h"

#include <algorithm>
#include <map>
#include <numeric>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "src/bench/results.h"
#include "src/lab/report/canvas.h"

namespace fv::lab::report {
namespace {

using Entries = std::vector<std::pair<std::string, size_t>>;

constexpr double kPlotHeight = 260;
constexpr double kBelow = 44;  // for tick labels and the axis' title
constexpr double kRow = 22;
constexpr double kBarHeight = 15;
constexpr double kDotShift = 3;
constexpr double kNarrowest = 46;  // of a part with its share written in it

std::vector<Tick> TimeTicks(const Scale& scale) {
  std::vector<Tick> ticks;
  for (double value : scale.RoundTicks()) ticks.push_back({value, TickTime(value)});
  return ticks;
}

double LabelSpace(size_t longest) {
  return std::clamp(7.0 * static_cast<double>(longest) + 14, 60.0, 260.0);
}

void DrawLine(Canvas& canvas, const Line& line, const Scale& x, const Scale& y) {
  std::vector<std::pair<double, double>> path;
  for (const Point& point : line.points) path.emplace_back(x.At(point.x), y.At(point.y));
  canvas.Path(path, line.look);
  const std::string whisker = absl::StrCat("whisker ", LookClass(line.look));
  for (const Point& point : line.points) {
    const double at = x.At(point.x);
    if (point.high > point.low) {
      canvas.Segment(at, y.At(point.low), at, y.At(point.high), whisker);
      for (double end : {point.low, point.high}) {
        canvas.Segment(at - 3, y.At(end), at + 3, y.At(end), whisker);
      }
    }
    if (line.markers) {
      canvas.Marker(at, y.At(point.y), line.look,
                    absl::StrCat(line.name, ": ", bench::FormatTime(point.y)));
    }
  }
}

}  // namespace

std::string Draw(const LineChart& chart) {
  Entries entries;
  std::vector<double> heights;
  for (const Line& line : chart.lines) {
    entries.emplace_back(line.name, line.look);
    for (const Point& point : line.points) {
      heights.insert(heights.end(), {point.y, point.low, point.high});
    }
  }
  const double top = LegendHeight(entries) + 8;
  const Frame frame{64, top, kWidth - 16, top + kPlotHeight};
  Canvas canvas(chart.title, frame.bottom + kBelow);
  canvas.Legend(entries, 0, Canvas::Swatch::kMarker);
  const double first = chart.x_ticks.empty() ? 0 : chart.x_ticks.front().value;
  const double last = chart.x_ticks.empty() ? 1 : chart.x_ticks.back().value;
  const Scale x(chart.x_kind, first, last, frame.left + 12, frame.right - 12);
  const Scale y = Scale::Holding(Scale::Kind::kLog, heights, frame.bottom, frame.top);
  canvas.XAxis(frame, x, chart.x_ticks, chart.x_title);
  canvas.YAxis(frame, y, TimeTicks(y));
  for (const Line& line : chart.lines) DrawLine(canvas, line, x, y);
  return canvas.Finish();
}

std::string Draw(const BarChart& chart) {
  Entries entries;
  for (size_t i = 0; i < chart.part_names.size(); ++i) entries.emplace_back(chart.part_names[i], i);
  const bool share = chart.length == BarChart::Length::kShare;
  size_t longest = 0;
  std::vector<double> totals;
  for (const Bar& bar : chart.bars) {
    longest = std::max(longest, bar.label.size());
    totals.push_back(std::accumulate(bar.parts.begin(), bar.parts.end(), 0.0));
  }
  const double top = LegendHeight(entries) + 8;
  const double height = kRow * static_cast<double>(chart.bars.size());
  const Frame frame{LabelSpace(longest), top, kWidth - 70, top + height};
  Canvas canvas(chart.title, frame.bottom + kBelow);
  canvas.Legend(entries, 0, Canvas::Swatch::kBox);
  const Scale x = share ? Scale(Scale::Kind::kLinear, 0, 100, frame.left, frame.right)
                        : Scale::Holding(Scale::Kind::kLinear, totals, frame.left, frame.right);
  std::vector<Tick> percent;
  for (int part = 0; part <= 100; part += 20)
    percent.push_back({static_cast<double>(part), absl::StrCat(part, " %")});
  canvas.XAxis(frame, x, share ? percent : TimeTicks(x), share ? "share of the whole" : "time");
  for (size_t row = 0; row < chart.bars.size(); ++row) {
    const Bar& bar = chart.bars[row];
    const double y = frame.top + kRow * static_cast<double>(row) + (kRow - kBarHeight) / 2;
    const double scale = share ? (totals[row] > 0 ? 100 / totals[row] : 0) : 1;
    double before = 0;
    for (size_t part = 0; part < bar.parts.size(); ++part) {
      const double from = x.At(before * scale);
      before += bar.parts[part];
      const double width = x.At(before * scale) - from;
      if (width <= 0) continue;
      const std::string time = bench::FormatTime(bar.parts[part]);
      canvas.Rectangle(from, y, width, kBarHeight, part,
                       absl::StrCat(chart.part_names[part], ": ", time));
      if (width >= kNarrowest) canvas.Label(from + width / 2, y + 12, "inside middle", time);
    }
    canvas.Label(frame.left - 6, y + 12, "axis end", bar.label);
    canvas.Label(x.At(before * scale) + 6, y + 12, "axis", bench::FormatTime(totals[row]));
  }
  return canvas.Finish();
}

std::string Draw(const DotChart& chart) {
  Entries entries;
  std::map<std::string, size_t> rows;
  std::vector<std::string> labels;
  std::vector<double> values;
  const bool ratio = chart.unit == DotChart::Unit::kRatio;
  if (ratio) values.push_back(1);
  size_t longest = 0;
  for (const Dot& dot : chart.dots) {
    const std::pair<std::string, size_t> entry(dot.series, dot.look);
    if (std::find(entries.begin(), entries.end(), entry) == entries.end()) entries.push_back(entry);
    if (rows.emplace(dot.label, labels.size()).second) labels.push_back(dot.label);
    longest = std::max(longest, dot.label.size());
    values.insert(values.end(), {dot.value, dot.low, dot.high});
  }
  const double top = LegendHeight(entries) + 8;
  const Frame frame{LabelSpace(longest), top, kWidth - 20,
                    top + kRow * static_cast<double>(labels.size())};
  Canvas canvas(chart.title, frame.bottom + kBelow);
  canvas.Legend(entries, 0, Canvas::Swatch::kMarker);
  const Scale x = Scale::Holding(Scale::Kind::kLog, values, frame.left, frame.right);
  std::vector<Tick> ticks;
  for (double tick : x.RoundTicks()) {
    ticks.push_back({tick, ratio ? absl::StrFormat("%gx", tick) : TickTime(tick)});
  }
  canvas.XAxis(frame, x, ticks, chart.x_title);
  if (ratio) canvas.Segment(x.At(1), frame.top, x.At(1), frame.bottom, "frame");
  for (size_t row = 0; row < labels.size(); ++row) {
    canvas.Label(frame.left - 6, frame.top + kRow * (static_cast<double>(row) + 0.5) + 4,
                 "axis end", labels[row]);
  }
  for (const Dot& dot : chart.dots) {
    // Systems of a row stand a little below each other, so that none hides another.
    const auto place = static_cast<double>(
        std::find(entries.begin(), entries.end(), std::pair(dot.series, dot.look)) -
        entries.begin());
    const double shift = (place - static_cast<double>(entries.size() - 1) / 2) * kDotShift;
    const double y = frame.top + kRow * (static_cast<double>(rows[dot.label]) + 0.5) + shift;
    const std::string whisker = absl::StrCat("whisker ", LookClass(dot.look));
    if (dot.high > dot.low) canvas.Segment(x.At(dot.low), y, x.At(dot.high), y, whisker);
    canvas.Marker(
        x.At(dot.value), y, dot.look,
        absl::StrCat(dot.series, ": ",
                     ratio ? absl::StrFormat("%.3gx", dot.value) : bench::FormatTime(dot.value)));
  }
  return canvas.Finish();
}

}  // namespace fv::lab::report
