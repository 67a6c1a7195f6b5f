// SPDX-License-Identifier: Apache-2.0
//
// See unreachable.h. Reads lines, not the language: strings and comments with parentheses or braces
// that do not match, inside of a condition or a body, would lead it astray; the style has none.
#include "src/coverage/unreachable.h"

#include <algorithm>
#include <charconv>
#include <cstddef>

namespace fv::coverage {
namespace {

constexpr std::string_view kIf = "if (";
constexpr std::string_view kMutant = "HasMutant(";
constexpr std::string_view kPanic = "Panic(";

// Where the bracket at `open` is closed; npos: nowhere.
size_t CloseOf(std::string_view text, size_t open) {
  const char opens = text[open];
  const char closes = opens == '(' ? ')' : '}';
  size_t depth = 0;
  for (size_t at = open; at < text.size(); ++at) {
    depth += text[at] == opens ? 1 : 0;
    if (text[at] == closes && --depth == 0) return at;
  }
  return std::string_view::npos;
}

std::string_view Trimmed(std::string_view text) {
  const size_t from = text.find_first_not_of(" \n");
  return from == std::string_view::npos ? "" : text.substr(from);
}

// Whether the condition is a conjunction with HasMutant(...), not negated, as one of its terms.
bool WantsMutant(std::string_view condition) {
  size_t depth = 0;
  size_t term = 0;
  bool wants = false;
  for (size_t at = 0; at <= condition.size(); ++at) {
    const std::string_view rest = condition.substr(at);
    const bool ends = rest.empty() || (depth == 0 && rest.starts_with("&&"));
    if (ends) {
      const std::string_view text = Trimmed(condition.substr(term, at - term));
      const bool whole = text.starts_with(kMutant) &&
                         CloseOf(text, kMutant.size() - 1) == text.find_last_not_of(" \n");
      wants = wants || whole;
      term = at + 2;
      continue;
    }
    if (depth == 0 && (rest.starts_with("||") || rest.starts_with("?"))) return false;
    depth += rest.front() == '(' ? 1 : 0;
    depth -= rest.front() == ')' ? 1 : 0;
  }
  return wants;
}

uint32_t LineAt(std::string_view source, size_t at) {
  return static_cast<uint32_t>(
             std::count(source.begin(), source.begin() + static_cast<std::ptrdiff_t>(at), '\n')) +
         1;
}

void AddRange(std::vector<uint32_t>& lines, uint32_t first, uint32_t behind) {
  for (uint32_t line = first; line < behind; ++line) lines.push_back(line);
}

}  // namespace

std::vector<uint32_t> UnreachableLines(std::string_view source) {
  std::vector<uint32_t> lines;
  for (size_t at = source.find(kIf); at != source.npos; at = source.find(kIf, at + 1)) {
    const size_t open = at + kIf.size() - 1;
    const size_t close = CloseOf(source, open);
    if (close == source.npos || !WantsMutant(source.substr(open + 1, close - open - 1))) continue;
    const size_t body = source.find_first_not_of(" \n", close + 1);
    if (body == source.npos || source[body] != '{') continue;
    const size_t end = CloseOf(source, body);
    if (end == source.npos) continue;
    AddRange(lines, LineAt(source, body) + 1, LineAt(source, end));
  }
  for (size_t at = source.find(kPanic); at != source.npos; at = source.find(kPanic, at + 1)) {
    const size_t begin = source.rfind('\n', at) + 1;
    const size_t close = CloseOf(source, at + kPanic.size() - 1);
    const bool is_statement = Trimmed(source.substr(begin, at - begin)).empty();
    if (!is_statement || close == source.npos || source.substr(close + 1, 1) != ";") continue;
    AddRange(lines, LineAt(source, at), LineAt(source, close) + 1);
  }
  std::sort(lines.begin(), lines.end());
  lines.erase(std::unique(lines.begin(), lines.end()), lines.end());
  return lines;
}

LineSets ParseLineTable(std::string_view table) {
  LineSets sets;
  while (!table.empty()) {
    const std::string_view line = table.substr(0, table.find('\n'));
    table.remove_prefix(std::min(table.size(), line.size() + 1));
    const size_t colon = line.rfind(':');
    uint32_t number = 0;
    if (colon == line.npos) continue;
    std::from_chars(line.data() + colon + 1, line.data() + line.size(), number);
    sets[std::string(line.substr(0, colon))].insert(number);
  }
  return sets;
}

}  // namespace fv::coverage
