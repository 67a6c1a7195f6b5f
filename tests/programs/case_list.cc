// SPDX-License-Identifier: Apache-2.0
//
// Parses the list of cases.
#include "tests/programs/case_list.h"

#include <set>
#include <stdexcept>

namespace fv::tests {
namespace {

std::vector<std::string> Split(std::string_view text, char separator) {
  std::vector<std::string> parts;
  for (;;) {
    const size_t at = text.find(separator);
    parts.emplace_back(text.substr(0, at));
    if (at == std::string_view::npos) return parts;
    text.remove_prefix(at + 1);
  }
}

CaseKind ParseKind(const std::string& text, const std::string& line) {
  if (text == "program") return CaseKind::kProgram;
  if (text == "shell") return CaseKind::kShell;
  throw std::invalid_argument("unknown kind: " + line);
}

std::vector<std::string> ParseIgnored(const std::string& field, const std::string& line) {
  if (field == "chance" || field == "-") return {};
  if (!field.starts_with("-")) throw std::invalid_argument("unknown system calls: " + line);
  return Split(std::string_view(field).substr(1), ',');
}

}  // namespace

std::vector<Case> ParseCases(std::string_view text) {
  std::vector<Case> cases;
  std::set<std::string> names;
  for (const std::string& line : Split(text, '\n')) {
    if (line.empty()) continue;
    const std::vector<std::string> fields = Split(line, '\t');
    if (fields.size() < 5 || fields[0].empty() || fields[2].empty()) {
      throw std::invalid_argument("five fields wanted: " + line);
    }
    if (!names.insert(fields[0]).second) throw std::invalid_argument("twice: " + fields[0]);
    cases.push_back(
        {.name = fields[0],
         .kind = ParseKind(fields[1], line),
         .path = fields[2],
         .input_path = fields[3] == "-" ? "" : fields[3],
         .calls = fields[4] == "chance" ? Case::Calls::kByChance : Case::Calls::kCompare,
         .ignored_calls = ParseIgnored(fields[4], line),
         .arguments = {fields.begin() + 5, fields.end()}});
  }
  return cases;
}

}  // namespace fv::tests
