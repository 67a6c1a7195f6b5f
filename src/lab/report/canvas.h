// SPDX-License-Identifier: Apache-2.0
//
// What all charts draw: the frame, axes with grid lines, the legend, markers.
#pragma once

#include <string>
#include <vector>

#include "src/lab/report/markup.h"
#include "src/lab/report/scale.h"

namespace fv::lab::report {

// Pixels of the drawing; the page scales it.
inline constexpr double kWidth = 640;

struct Frame {
  double left, top, right, bottom;
};

class Canvas {
 public:
  // `title` is for those who cannot see the picture.
  Canvas(const std::string& title, double height);

  // Grid lines with labels at the bottom of the frame. Labels that would touch are left out.
  void XAxis(const Frame& frame, const Scale& scale, const std::vector<Tick>& ticks,
             const std::string& title);
  // Grid lines with labels at the left.
  void YAxis(const Frame& frame, const Scale& scale, const std::vector<Tick>& ticks);

  void Segment(double x1, double y1, double x2, double y2, const std::string& style);
  void Label(double x, double y, const std::string& style, const std::string& text);
  void Rectangle(double x, double y, double width, double height, size_t look,
                 const std::string& tip);
  void Path(const std::vector<std::pair<double, double>>& points, size_t look);
  // A symbol of the look's own shape.
  void Marker(double x, double y, size_t look, const std::string& tip);

  enum class Swatch { kMarker, kBox };
  // From `top` on; returns where the legend ends.
  double Legend(const std::vector<std::pair<std::string, size_t>>& entries, double top,
                Swatch swatch);

  std::string Finish() { return markup_.Finish(); }

 private:
  Markup markup_;
};

// How high a legend will be.
double LegendHeight(const std::vector<std::pair<std::string, size_t>>& entries);

// "s3": the class of a look.
std::string LookClass(size_t look);

// "10 us", for ticks: no decimals that are zero.
std::string TickTime(double ns);

}  // namespace fv::lab::report
