// SPDX-License-Identifier: Apache-2.0
//
// Every line is one that libFuzzer reads, and every call and value of the table is in it.
#include "src/fuzz/dictionary.h"

#include <gtest/gtest.h>

#include <cctype>
#include <cstring>
#include <optional>
#include <set>
#include <sstream>
#include <string>

#include "src/fuzz/calls.h"

namespace fv::fuzz {
namespace {

struct Entry {
  std::string name;
  std::string value;
};

// As libFuzzer's documentation describes an entry: NAME="VALUE", in which bytes are \xNN.
std::optional<Entry> Parse(const std::string& line) {
  const size_t equals = line.find("=\"");
  if (equals == 0 || equals == std::string::npos || line.back() != '"') return std::nullopt;
  Entry entry{line.substr(0, equals), ""};
  for (const char c : entry.name) {
    if (std::isalnum(static_cast<unsigned char>(c)) == 0 && c != '_') return std::nullopt;
  }
  const std::string text = line.substr(equals + 2, line.size() - equals - 3);
  for (size_t at = 0; at < text.size(); at += 4) {
    size_t used = 0;
    if (text.compare(at, 2, "\\x") != 0 || at + 4 > text.size()) return std::nullopt;
    entry.value += static_cast<char>(std::stoul(text.substr(at + 2, 2), &used, 16));
    if (used != 2) return std::nullopt;
  }
  return entry;
}

template <typename T>
std::string BytesOf(T value) {
  std::string bytes(sizeof(value), '\0');
  std::memcpy(bytes.data(), &value, sizeof(value));
  return bytes;
}

TEST(DictionaryTest, HasTheTable) {
  std::set<std::string> names, values;
  std::istringstream lines(Dictionary());
  for (std::string line; std::getline(lines, line);) {
    if (line.empty() || line[0] == '#') continue;
    const std::optional<Entry> entry = Parse(line);
    ASSERT_TRUE(entry) << line;
    EXPECT_TRUE(names.insert(entry->name).second) << "twice: " << line;
    EXPECT_TRUE(values.insert(entry->value).second) << "twice: " << line;
  }
  for (const CallSpec& call : Calls()) {
    EXPECT_EQ(names.count(std::string(call.name)), 1u) << call.name;
    EXPECT_EQ(values.count(BytesOf(call.number)), 1u) << call.name;
    for (const ArgumentSpec& argument : call.arguments) {
      for (const Named& choice : argument.names) {
        EXPECT_EQ(values.count(BytesOf(choice.value)), 1u) << call.name << " " << choice.name;
      }
    }
  }
}

}  // namespace
}  // namespace fv::fuzz
