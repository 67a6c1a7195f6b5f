// SPDX-License-Identifier: Apache-2.0
#include "src/export/figure.h"

#include "absl/strings/str_cat.h"

namespace fv::exports {
namespace {

using lab::report::Number;

constexpr double kLetter = 6.2;  // width of a letter of 12 pixels, about
constexpr double kSwatch = 14;
constexpr double kLegendRow = 20;
constexpr double kLegendGap = 26;
constexpr double kMarkSize = 6;

constexpr char kStyle[] =
    "text { font: 12px Helvetica, Arial, 'Liberation Sans', sans-serif; fill: #16191d; }\n"
    ".title { font-size: 16px; font-weight: bold; }\n"
    ".bold { font-weight: bold; }\n"
    ".faint { fill: #5b636d; }\n"
    ".mono { font: 11px 'DejaVu Sans Mono', Menlo, Consolas, monospace; }\n"
    ".number { font-size: 11px; paint-order: stroke; stroke: #ffffff; stroke-width: 3px; }\n";

// What is drawn over a look's colour, in a square of kMarkSize pixels.
const char* MarkPath(Mark mark) {
  switch (mark) {
    case Mark::kPlain:
      return "";
    case Mark::kHatch:
      return "M-1,1L1,-1M0,6L6,0M5,7L7,5";
    case Mark::kCrossHatch:
      return "M0,6L6,0M0,0L6,6";
    case Mark::kDots:
      return "M2,3H4";
    case Mark::kBars:
      return "M3,0V6";
    case Mark::kRings:
      return "M1.5,1.5H4.5V4.5H1.5Z";
    case Mark::kCrosses:
      return "M1.5,1.5L4.5,4.5M1.5,4.5L4.5,1.5";
  }
  return "";
}

const char* ClassOf(Figure::Face face) {
  switch (face) {
    case Figure::Face::kPlain:
      return "plain";
    case Figure::Face::kBold:
      return "bold";
    case Figure::Face::kFaint:
      return "faint";
    case Figure::Face::kMono:
      return "mono";
    case Figure::Face::kNumber:
      return "number";
  }
  return "";
}

const char* AnchorOf(Figure::Align align) {
  switch (align) {
    case Figure::Align::kLeft:
      return "start";
    case Figure::Align::kMiddle:
      return "middle";
    case Figure::Align::kRight:
      return "end";
  }
  return "";
}

std::string FillOf(PageState state) {
  const Look& look = LookOf(state);
  return look.mark == Mark::kPlain ? std::string(look.colour) : absl::StrCat("url(#", look.id, ")");
}

// Where the entries of a legend begin: x, and y from its top.
std::vector<std::pair<double, double>> LegendPlaces(
    double width, const std::vector<Figure::LegendEntry>& entries) {
  std::vector<std::pair<double, double>> places;
  double x = Figure::kMargin;
  double y = 0;
  for (const Figure::LegendEntry& entry : entries) {
    const double wide = kSwatch + 6 + TextWidth(entry.text);
    if (x > Figure::kMargin && x + wide > width - Figure::kMargin) {
      x = Figure::kMargin;
      y += kLegendRow;
    }
    places.emplace_back(x, y);
    x += wide + kLegendGap;
  }
  return places;
}

}  // namespace

std::string Grouped(uint64_t number) {
  std::string text = absl::StrCat(number);
  for (size_t at = text.size(); at > 3;) {
    at -= 3;
    text.insert(at, ",");
  }
  return text;
}

double TextWidth(const std::string& text) { return kLetter * static_cast<double>(text.size()); }

Figure::Figure(double width, double height, const std::string& title, const std::string& subtitle)
    : width_(width) {
  const std::string wide = Number(width);
  const std::string high = Number(height);
  markup_.Open("svg", {{"xmlns", "http://www.w3.org/2000/svg"},
                       {"width", wide},
                       {"height", high},
                       {"viewBox", absl::StrCat("0 0 ", wide, " ", high)},
                       {"role", "img"}});
  markup_.Leaf("title", {}, title).Leaf("style", {}, kStyle);
  DefineMarks();
  markup_.Leaf("rect", {{"width", wide}, {"height", high}, {"fill", kPaper}});
  markup_.Leaf("text", {{"class", "title"}, {"x", Number(kMargin)}, {"y", "28"}}, title);
  Text(kMargin, 48, subtitle, Face::kFaint);
}

void Figure::DefineMarks() {
  markup_.Open("defs");
  for (size_t i = 0; i < kPageStates; ++i) {
    const Look& look = LookOf(static_cast<PageState>(i));
    if (look.mark == Mark::kPlain) continue;
    const std::string size = Number(kMarkSize);
    markup_.Open(
        "pattern",
        {{"id", look.id}, {"width", size}, {"height", size}, {"patternUnits", "userSpaceOnUse"}});
    markup_.Leaf("rect", {{"width", size}, {"height", size}, {"fill", look.colour}});
    markup_.Leaf("path", {{"d", MarkPath(look.mark)},
                          {"fill", "none"},
                          {"stroke", kPaper},
                          {"stroke-opacity", "0.75"},
                          {"stroke-width", look.mark == Mark::kDots ? "2" : "1"}});
    markup_.Close();
  }
  markup_.Close();
}

void Figure::Text(double x, double y, const std::string& text, Face face, Align align) {
  markup_.Leaf("text",
               {{"class", ClassOf(face)},
                {"x", Number(x)},
                {"y", Number(y)},
                {"text-anchor", AnchorOf(align)}},
               text);
}

void Figure::Piece(double x, double y, double width, double height, PageState state,
                   const std::string& tip) {
  markup_.Open("rect", {{"x", Number(x)},
                        {"y", Number(y)},
                        {"width", Number(width)},
                        {"height", Number(height)},
                        {"fill", FillOf(state)}});
  if (!tip.empty()) markup_.Leaf("title", {}, tip);
  markup_.Close();
}

void Figure::Frame(double x, double y, double width, double height, const char* fill) {
  markup_.Leaf("rect", {{"x", Number(x)},
                        {"y", Number(y)},
                        {"width", Number(width)},
                        {"height", Number(height)},
                        {"fill", fill},
                        {"stroke", kFaint},
                        {"stroke-width", "0.75"}});
}

void Figure::Curve(double x1, double y1, double x2, double y2, double width, const char* colour) {
  const std::string middle = Number((x1 + x2) / 2);
  markup_.Leaf("path",
               {{"d", absl::StrCat("M", Number(x1), ",", Number(y1), "C", middle, ",", Number(y1),
                                   " ", middle, ",", Number(y2), " ", Number(x2), ",", Number(y2))},
                {"fill", "none"},
                {"stroke", colour},
                {"stroke-width", Number(width)},
                {"stroke-opacity", "0.8"}});
}

void Figure::Legend(double top, const std::vector<LegendEntry>& entries) {
  const auto places = LegendPlaces(width_, entries);
  for (size_t i = 0; i < entries.size(); ++i) {
    const auto [x, y] = places[i];
    Piece(x, top + y, kSwatch, kSwatch, entries[i].state);
    Frame(x, top + y, kSwatch, kSwatch, "none");
    Text(x + kSwatch + 6, top + y + 11, entries[i].text);
  }
}

double Figure::LegendHeight(double width, const std::vector<LegendEntry>& entries) {
  const auto places = LegendPlaces(width, entries);
  return places.empty() ? 0 : places.back().second + kLegendRow;
}

}  // namespace fv::exports
