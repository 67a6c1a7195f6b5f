// SPDX-License-Identifier: Apache-2.0
//
// One mapping a row, with a bar of its pages. A short one has a cell for each page; a long one is
// squeezed: each of its columns stands for many pages and is divided by the shares of their states.
#include <algorithm>
#include <array>
#include <cmath>

#include "absl/strings/str_cat.h"
#include "src/export/figure.h"
#include "src/export/graph_text.h"

namespace fv::exports {
namespace {

constexpr double kWidth = 940;
constexpr double kRightsX = 215;
constexpr double kWhatX = 256;
constexpr double kBarX = 346;
constexpr double kBarWidth = 400;
constexpr double kBarHeight = 16;
constexpr double kRowHeight = 22;
constexpr double kCell = 10;  // of a page
constexpr uint64_t kMostCells = 40;
constexpr uint64_t kMostColumns = 200;
static_assert(kCell * kMostCells == kBarWidth);

// Shares of the states, in tenths of a pixel of the bar's height.
using Column = std::array<unsigned, kPageStates>;

void DrawCells(Figure& figure, const AddressRow& row, double y) {
  double x = kBarX;
  for (const Stretch& stretch : row.stretches) {
    for (uint64_t i = 0; i < stretch.pages; ++i, x += kCell) {
      figure.Piece(x, y, kCell - 1, kBarHeight, stretch.state);
    }
  }
}

Column ColumnOf(const std::array<uint64_t, kPageStates>& pages, uint64_t all) {
  constexpr auto kTenths = static_cast<unsigned>(10 * kBarHeight);
  constexpr unsigned kLeast = 10;  // of a state that is there
  Column column{};
  unsigned used = 0;
  for (size_t i = 0; i < kPageStates; ++i) {
    if (pages[i] == 0) continue;
    const double share = static_cast<double>(pages[i]) / static_cast<double>(all);
    column[i] = std::max(kLeast, static_cast<unsigned>(std::lround(share * kTenths)));
    used += column[i];
  }
  // What rounding has made too much or too little, the largest has.
  unsigned& largest = *std::max_element(column.begin(), column.end());
  largest += kTenths - used;
  return column;
}

std::vector<Column> ColumnsOf(const AddressRow& row) {
  std::vector<Column> columns;
  size_t stretch = 0;
  uint64_t left = row.stretches.empty() ? 0 : row.stretches[0].pages;
  const uint64_t count = std::min(kMostColumns, row.pages);
  for (uint64_t column = 0; column < count; ++column) {
    // Pages are fewer than 2^36.
    const uint64_t first = row.pages * column / count;
    const uint64_t all = row.pages * (column + 1) / count - first;
    std::array<uint64_t, kPageStates> pages{};
    for (uint64_t wanted = all; wanted > 0 && stretch < row.stretches.size();) {
      const uint64_t taken = std::min(wanted, left);
      pages[static_cast<size_t>(row.stretches[stretch].state)] += taken;
      wanted -= taken;
      left -= taken;
      if (left == 0 && ++stretch < row.stretches.size()) left = row.stretches[stretch].pages;
    }
    columns.push_back(ColumnOf(pages, all));
  }
  return columns;
}

void DrawSqueezed(Figure& figure, const AddressRow& row, double y) {
  const std::vector<Column> columns = ColumnsOf(row);
  const double wide = kBarWidth / static_cast<double>(columns.size());
  for (size_t from = 0, to = 0; from < columns.size(); from = to) {
    while (to < columns.size() && columns[to] == columns[from]) ++to;
    double top = y;
    for (size_t state = 0; state < kPageStates; ++state) {
      const double height = columns[from][state] / 10.0;
      if (height == 0) continue;
      figure.Piece(kBarX + wide * static_cast<double>(from), top,
                   wide * static_cast<double>(to - from), height, static_cast<PageState>(state));
      top += height;
    }
  }
}

void DrawRow(Figure& figure, const AddressRow& row, double y) {
  const double baseline = y + 12;
  figure.Text(Figure::kMargin, baseline, RangeOf(row), Figure::Face::kMono);
  figure.Text(kRightsX, baseline, row.rights, Figure::Face::kMono);
  figure.Text(kWhatX, baseline, row.what);
  if (row.pages <= kMostCells) {
    DrawCells(figure, row, y);
  } else {
    DrawSqueezed(figure, row, y);
    figure.Frame(kBarX, y, kBarWidth, kBarHeight, "none");
  }
  figure.Text(kWidth - Figure::kMargin, baseline, PagesOf(row), Figure::Face::kPlain,
              Figure::Align::kRight);
}

}  // namespace

std::string AddressSvg(const AddressMap& map) {
  std::vector<Figure::LegendEntry> legend;
  for (size_t i = 0; i < kPageStates; ++i) {
    const auto state = static_cast<PageState>(i);
    if (map.pages[i] == 0) continue;
    legend.push_back({state, absl::StrCat(LookOf(state).name, " (", Grouped(map.pages[i]), ")")});
  }
  constexpr double kNoteHeight = 30;
  const double rows = kRowHeight * static_cast<double>(map.rows.size());
  const double height =
      Figure::kHeadHeight + rows + kNoteHeight + Figure::LegendHeight(kWidth, legend) + 16;
  Figure figure(kWidth, height, absl::StrCat("Address space of ", map.user), SummaryOf(map));
  double y = Figure::kHeadHeight;
  for (const AddressRow& row : map.rows) {
    DrawRow(figure, row, y);
    y += kRowHeight;
  }
  figure.Text(Figure::kMargin, y + 16,
              absl::StrCat("A cell is a page; above ", kMostCells,
                           " pages a bar is the whole mapping, and each of its columns shows the "
                           "shares of the pages there."),
              Figure::Face::kFaint);
  figure.Legend(y + kNoteHeight, legend);
  return figure.Finish();
}

}  // namespace fv::exports
