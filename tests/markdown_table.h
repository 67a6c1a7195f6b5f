// SPDX-License-Identifier: Apache-2.0
//
// Tables of a Markdown page, for tests that hold documents against the code. Only what our pages
// use: rows that begin and end with '|', a rule of dashes below the head, no escaped bars.
#pragma once

#include <string>
#include <vector>

namespace fv::tests {

struct TableRow {
  size_t line;                     // in the page, from 1
  std::vector<std::string> cells;  // without the blanks around them
};

// The rows of all tables whose first head cell is `first_column`, without heads.
std::vector<TableRow> RowsOf(const std::vector<std::string>& page, const std::string& first_column);

// What stands in `code` spans of a text, in order.
std::vector<std::string> CodeSpans(const std::string& text);

}  // namespace fv::tests
