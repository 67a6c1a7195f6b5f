// SPDX-License-Identifier: Apache-2.0
#include "src/lab/report/canvas.h"

#include <cmath>
#include <limits>

#include "absl/strings/str_cat.h"
#include "src/lab/report/charts.h"

namespace fv::lab::report {
namespace {

constexpr double kLetter = 7.2;  // width of a letter of 12 pixels, about
constexpr double kLegendRow = 18;
constexpr double kSwatch = 22;
constexpr double kMarkerSize = 4;

double EntryWidth(const std::string& name) {
  return kSwatch + kLetter * static_cast<double>(name.size()) + 14;
}

// The outline of a marker around the origin; a circle is drawn as one.
const char* ShapeOf(size_t look) {
  static constexpr const char* kShapes[] = {
      nullptr,
      "M-4,-4H4V4H-4Z",
      "M0,-5L5,4H-5Z",
      "M0,-5.5L5.5,0L0,5.5L-5.5,0Z",
      "M0,5L5,-4H-5Z",
      "M-1.5,-5H1.5V-1.5H5V1.5H1.5V5H-1.5V1.5H-5V-1.5H-1.5Z",
      "M-5,0L0,-2L5,0L0,2Z",
      "M0,-5L2,0L0,5L-2,0Z",
  };
  return kShapes[look % kLooks];
}

}  // namespace

std::string LookClass(size_t look) { return absl::StrCat("s", look % kLooks); }

std::string TickTime(double ns) {
  static constexpr std::pair<double, const char*> kUnits[] = {
      {1e9, "s"}, {1e6, "ms"}, {1e3, "us"}, {1, "ns"}};
  for (const auto& [unit, name] : kUnits) {
    if (ns >= unit * 0.999) return absl::StrCat(Number(ns / unit), " ", name);
  }
  return ns == 0 ? "0" : absl::StrCat(Number(ns), " ns");
}

Canvas::Canvas(const std::string& title, double height) {
  markup_.Open("svg", {{"viewBox", absl::StrCat("0 0 ", Number(kWidth), " ", Number(height))},
                       {"role", "img"},
                       {"aria-label", title},
                       {"xmlns", "http://www.w3.org/2000/svg"}});
}

void Canvas::XAxis(const Frame& frame, const Scale& scale, const std::vector<Tick>& ticks,
                   const std::string& title) {
  double free_from = -std::numeric_limits<double>::infinity();
  for (const Tick& tick : ticks) {
    const double x = scale.At(tick.value);
    Segment(x, frame.top, x, frame.bottom, "grid");
    const double half = kLetter * static_cast<double>(tick.label.size()) / 2;
    if (x - half < free_from) continue;
    Label(x, frame.bottom + 16, "axis middle", tick.label);
    free_from = x + half + kLetter;
  }
  Segment(frame.left, frame.bottom, frame.right, frame.bottom, "frame");
  Label((frame.left + frame.right) / 2, frame.bottom + 34, "axis middle", title);
}

void Canvas::YAxis(const Frame& frame, const Scale& scale, const std::vector<Tick>& ticks) {
  for (const Tick& tick : ticks) {
    const double y = scale.At(tick.value);
    Segment(frame.left, y, frame.right, y, "grid");
    Label(frame.left - 6, y + 4, "axis end", tick.label);
  }
  Segment(frame.left, frame.top, frame.left, frame.bottom, "frame");
}

void Canvas::Segment(double x1, double y1, double x2, double y2, const std::string& style) {
  markup_.Leaf("line", {{"x1", Number(x1)},
                        {"y1", Number(y1)},
                        {"x2", Number(x2)},
                        {"y2", Number(y2)},
                        {"class", style}});
}

void Canvas::Label(double x, double y, const std::string& style, const std::string& text) {
  if (text.empty()) return;
  markup_.Leaf("text", {{"x", Number(x)}, {"y", Number(y)}, {"class", style}}, text);
}

void Canvas::Rectangle(double x, double y, double width, double height, size_t look,
                       const std::string& tip) {
  markup_.Open("rect", {{"x", Number(x)},
                        {"y", Number(y)},
                        {"width", Number(width)},
                        {"height", Number(height)},
                        {"class", absl::StrCat("box ", LookClass(look))}});
  if (!tip.empty()) markup_.Leaf("title", {}, tip);
  markup_.Close();
}

void Canvas::Path(const std::vector<std::pair<double, double>>& points, size_t look) {
  std::string path;
  for (const auto& [x, y] : points) {
    absl::StrAppend(&path, path.empty() ? "M" : "L", Number(x), ",", Number(y));
  }
  if (!path.empty()) {
    markup_.Leaf("path", {{"d", path}, {"class", absl::StrCat("line ", LookClass(look))}});
  }
}

void Canvas::Marker(double x, double y, size_t look, const std::string& tip) {
  const std::string style = absl::StrCat("dot ", LookClass(look));
  const char* shape = ShapeOf(look);
  if (shape == nullptr) {
    markup_.Open(
        "circle",
        {{"cx", Number(x)}, {"cy", Number(y)}, {"r", Number(kMarkerSize)}, {"class", style}});
  } else {
    markup_.Open("path", {{"d", shape},
                          {"transform", absl::StrCat("translate(", Number(x), ",", Number(y), ")")},
                          {"class", style}});
  }
  if (!tip.empty()) markup_.Leaf("title", {}, tip);
  markup_.Close();
}

double Canvas::Legend(const std::vector<std::pair<std::string, size_t>>& entries, double top,
                      Swatch swatch) {
  double x = 8;
  double y = top + kLegendRow / 2;
  for (const auto& [name, look] : entries) {
    if (x + EntryWidth(name) > kWidth && x > 8) {
      x = 8;
      y += kLegendRow;
    }
    if (swatch == Swatch::kBox) {
      Rectangle(x + 2, y - 5, 14, 10, look, "");
    } else {
      Path({{x, y}, {x + kSwatch - 4, y}}, look);
      Marker(x + kSwatch / 2 - 2, y, look, "");
    }
    Label(x + kSwatch, y + 4, "legend", name);
    x += EntryWidth(name);
  }
  return y + kLegendRow / 2;
}

double LegendHeight(const std::vector<std::pair<std::string, size_t>>& entries) {
  double x = 8;
  double height = kLegendRow;
  for (const auto& entry : entries) {
    if (x + EntryWidth(entry.first) > kWidth && x > 8) {
      x = 8;
      height += kLegendRow;
    }
    x += EntryWidth(entry.first);
  }
  return height;
}

}  // namespace fv::lab::report
