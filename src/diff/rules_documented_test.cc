// SPDX-License-Identifier: Apache-2.0
//
// docs/diff.md has a row for each rule, and no other.
#include <gtest/gtest.h>

#include <map>
#include <string>

#include "src/diff/rules.h"
#include "tests/markdown_table.h"
#include "tests/source_tree.h"

namespace fv::diff {
namespace {

const char* ResultText(ResultRule rule) {
  switch (rule) {
    case ResultRule::kExact:
      return "equal";
    case ResultRule::kSuccess:
      return "success or the same error";
    case ResultRule::kZero:
      return "zero or not";
    case ResultRule::kTask:
      return "the same task";
    case ResultRule::kTiming:
      return "by chance";
    case ResultRule::kNone:
      return "not compared";
  }
  return "";
}

TEST(RulesTest, AreDocumented) {
  std::map<std::string, std::vector<std::string>> rows;
  for (const tests::TableRow& row : tests::RowsOf(tests::Lines("docs/diff.md"), "call")) {
    rows[row.cells.at(0)] = row.cells;
  }
  EXPECT_EQ(rows.size(), Rules().size());
  for (const Rule& rule : Rules()) {
    const std::string name = "`" + std::string(rule.call) + "`";
    ASSERT_TRUE(rows.contains(name)) << rule.call;
    const std::string presence = rule.presence == Presence::kOptional ? "optional" : "always";
    EXPECT_EQ(rows[name], (std::vector<std::string>{name, ResultText(rule.result), presence,
                                                    std::string(rule.why)}));
  }
}

}  // namespace
}  // namespace fv::diff
