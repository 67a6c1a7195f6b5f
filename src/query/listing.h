// SPDX-License-Identifier: Apache-2.0
//
// The form of every answer about a guest: named tables of cells, as aligned text for people and as
// JSON for programs. A column has one name in both.
#pragma once

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

namespace fv::query {

// An address, a frame number, a raw entry: hexadecimal in text, a string "0x..." in JSON.
struct Hex {
  uint64_t value = 0;
};
// monostate: nothing to say here ("-" in text, null in JSON).
using Cell = std::variant<std::monostate, uint64_t, Hex, std::string>;

struct Listing {
  std::string name;  // the key in JSON; a heading in text if there are several
  std::vector<std::string> columns;
  std::vector<std::vector<Cell>> rows;  // as long as `columns`
};

struct Answer {
  std::vector<Listing> listings;
  // What a reader should know: parts that could not be read, rows left out.
  std::vector<std::string> notes;
};

enum class Format { kConsole, kJson };
std::string FormatAnswer(const Answer& answer, Format format);

}  // namespace fv::query
