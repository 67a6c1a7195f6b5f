// SPDX-License-Identifier: Apache-2.0
//
// See markdown_table.h.
#include "tests/markdown_table.h"

#include <algorithm>

namespace fv::tests {
namespace {

std::string Trimmed(const std::string& text) {
  const size_t begin = text.find_first_not_of(" \t");
  return begin == std::string::npos ? ""
                                    : text.substr(begin, text.find_last_not_of(" \t") - begin + 1);
}

// Cells of a row; empty if the line is none.
std::vector<std::string> CellsOf(const std::string& line) {
  const std::string row = Trimmed(line);
  std::vector<std::string> cells;
  if (row.size() < 2 || row.front() != '|' || row.back() != '|') return cells;
  for (size_t at = 1; at < row.size();) {
    const size_t bar = row.find('|', at);
    cells.push_back(Trimmed(row.substr(at, bar - at)));
    at = bar + 1;
  }
  return cells;
}

bool IsRule(const std::vector<std::string>& cells) {
  return !cells.empty() && std::all_of(cells.begin(), cells.end(), [](const std::string& cell) {
    return !cell.empty() && cell.find_first_not_of("-:") == std::string::npos;
  });
}

}  // namespace

std::vector<TableRow> RowsOf(const std::vector<std::string>& page,
                             const std::string& first_column) {
  std::vector<TableRow> rows;
  bool wanted = false;
  for (size_t i = 0; i < page.size(); ++i) {
    std::vector<std::string> cells = CellsOf(page[i]);
    if (cells.empty()) {
      wanted = false;
    } else if (i + 1 < page.size() && IsRule(CellsOf(page[i + 1]))) {
      wanted = cells[0] == first_column;
    } else if (wanted && !IsRule(cells)) {
      rows.push_back({i + 1, std::move(cells)});
    }
  }
  return rows;
}

std::vector<std::string> CodeSpans(const std::string& text) {
  std::vector<std::string> spans;
  for (size_t at = 0; (at = text.find('`', at)) != std::string::npos;) {
    const size_t end = text.find('`', at + 1);
    if (end == std::string::npos) break;
    spans.push_back(text.substr(at + 1, end - at - 1));
    at = end + 1;
  }
  return spans;
}

}  // namespace fv::tests
