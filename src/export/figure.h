// SPDX-License-Identifier: Apache-2.0
//
// Drawing a figure as an SVG file that needs nothing else: light background, fonts that are
// everywhere, looks of pages with their marks, a title, a legend. Pixels.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "src/export/page_looks.h"
#include "src/lab/report/markup.h"

namespace fv::exports {

// "12,345".
std::string Grouped(uint64_t number);

class Figure {
 public:
  // Title and a line below it stand in the first kHeadHeight pixels.
  Figure(double width, double height, const std::string& title, const std::string& subtitle);
  static constexpr double kHeadHeight = 62;
  static constexpr double kMargin = 20;

  enum class Face { kPlain, kBold, kFaint, kMono, kNumber };
  enum class Align { kLeft, kMiddle, kRight };
  void Text(double x, double y, const std::string& text, Face face = Face::kPlain,
            Align align = Align::kLeft);
  // A piece in the look of a state.
  void Piece(double x, double y, double width, double height, PageState state,
             const std::string& tip = "");
  void Frame(double x, double y, double width, double height, const char* fill);
  // From a point to another to the right of it.
  void Curve(double x1, double y1, double x2, double y2, double width, const char* colour);

  struct LegendEntry {
    PageState state;
    std::string text;
  };
  // From `top` on, as wide as the figure.
  void Legend(double top, const std::vector<LegendEntry>& entries);
  static double LegendHeight(double width, const std::vector<LegendEntry>& entries);

  std::string Finish() { return markup_.Finish(); }

 private:
  void DefineMarks();

  double width_;
  lab::report::Markup markup_;
};

// Pixels that a text of the plain face takes, about.
double TextWidth(const std::string& text);

}  // namespace fv::exports
