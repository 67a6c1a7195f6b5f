// SPDX-License-Identifier: Apache-2.0
//
// Lays a table out.
#include "src/bench/table.h"

#include <algorithm>
#include <cstdlib>
#include <utility>

namespace fv::bench {
namespace {

constexpr size_t kGap = 2;  // blanks between columns

}  // namespace

void Table::Add(std::vector<std::string> row) {
  if (row.size() > rows_.front().size()) std::abort();
  row.resize(rows_.front().size());
  rows_.push_back(std::move(row));
}

std::string Table::Text() const {
  std::vector<size_t> widths(rows_.front().size());
  size_t total = 0;
  for (const auto& row : rows_) {
    for (size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], row[i].size());
  }
  for (size_t width : widths) total += width;
  total += kGap * (widths.size() - 1);
  std::string text;
  for (size_t index = 0; index < rows_.size(); ++index) {
    const auto& row = rows_[index];
    if (row.empty()) {
      text += std::string(total, '-') + "\n";
      continue;
    }
    std::string line;
    for (size_t i = 0; i < row.size(); ++i) {
      const std::string pad(widths[i] - row[i].size(), ' ');
      if (i > 0) line.append(kGap, ' ');
      line += i == 0 ? row[i] + pad : pad + row[i];
    }
    line.erase(line.find_last_not_of(' ') + 1);
    text += line + "\n";
    if (index == 0) text += std::string(total, '-') + "\n";
  }
  return text;
}

}  // namespace fv::bench
