// SPDX-License-Identifier: Apache-2.0
//
// Numbers are aligned to the right, text to the left; the last column is not padded.
#include "src/query/listing.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "src/inspect/list_walk.h"

namespace fv::query {
namespace {

using Json = nlohmann::ordered_json;

std::string TextOf(const Cell& cell) {
  if (const auto* number = std::get_if<uint64_t>(&cell)) return std::to_string(*number);
  if (const auto* hex = std::get_if<Hex>(&cell)) return inspect::Hex(hex->value);
  if (const auto* text = std::get_if<std::string>(&cell)) return *text;
  return "-";
}

Json JsonOf(const Cell& cell) {
  if (const auto* number = std::get_if<uint64_t>(&cell)) return *number;
  if (std::holds_alternative<std::monostate>(cell)) return nullptr;
  return TextOf(cell);
}

void AppendPadded(std::string& line, const std::string& text, size_t width, const Cell* cell) {
  const std::string pad(width - std::min(width, text.size()), ' ');
  const bool right = cell != nullptr && (std::holds_alternative<uint64_t>(*cell) ||
                                         std::holds_alternative<Hex>(*cell));
  line += right ? pad + text : text + pad;
}

void AppendLine(std::string& out, std::string line) {
  line.erase(line.find_last_not_of(' ') + 1);
  out += line + "\n";
}

void AppendTable(std::string& out, const Listing& listing) {
  std::vector<size_t> widths;
  for (size_t column = 0; column < listing.columns.size(); ++column) {
    size_t width = listing.columns[column].size();
    for (const auto& row : listing.rows) width = std::max(width, TextOf(row[column]).size());
    widths.push_back(width);
  }
  std::string heads;
  for (size_t column = 0; column < listing.columns.size(); ++column) {
    const Cell* first = listing.rows.empty() ? nullptr : &listing.rows[0][column];
    AppendPadded(heads, listing.columns[column], widths[column], first);
    heads += "  ";
  }
  AppendLine(out, std::move(heads));
  for (const auto& row : listing.rows) {
    std::string line;
    for (size_t column = 0; column < row.size(); ++column) {
      AppendPadded(line, TextOf(row[column]), widths[column], &row[column]);
      line += "  ";
    }
    AppendLine(out, std::move(line));
  }
}

std::string ConsoleText(const Answer& answer) {
  std::string out;
  for (const Listing& listing : answer.listings) {
    if (answer.listings.size() > 1) {
      if (!out.empty()) out += "\n";
      out += listing.name + ":\n";
    }
    if (listing.rows.empty()) {
      out += "(none)\n";
    } else {
      AppendTable(out, listing);
    }
  }
  for (const std::string& note : answer.notes) out += "note: " + note + "\n";
  return out;
}

std::string JsonText(const Answer& answer) {
  Json json = Json::object();
  for (const Listing& listing : answer.listings) {
    Json rows = Json::array();
    for (const auto& row : listing.rows) {
      Json object = Json::object();
      for (size_t column = 0; column < row.size(); ++column) {
        object[listing.columns[column]] = JsonOf(row[column]);
      }
      rows.push_back(std::move(object));
    }
    json[listing.name] = std::move(rows);
  }
  json["notes"] = answer.notes;
  return json.dump(2, ' ', /*ensure_ascii=*/true, Json::error_handler_t::replace) + "\n";
}

}  // namespace

std::string FormatAnswer(const Answer& answer, Format format) {
  return format == Format::kJson ? JsonText(answer) : ConsoleText(answer);
}

}  // namespace fv::query
