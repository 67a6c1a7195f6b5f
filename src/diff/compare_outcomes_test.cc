// SPDX-License-Identifier: Apache-2.0
#include "src/diff/compare_outcomes.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>

namespace fv::diff {
namespace {

constexpr int kCoreFlag = 0x80;

Outcome Wrote(const std::string& text, int wait_status = 0) {
  return {.timed_out = false,
          .wait_status = wait_status,
          .out = {.bytes = text, .total = text.size()},
          .err = {}};
}

TEST(CompareOutcomesTest, Equal) {
  EXPECT_TRUE(CompareOutcomes(Wrote("a\nb\n"), Wrote("a\nb\n")).empty());
}

TEST(CompareOutcomesTest, FirstLineThatDiffers) {
  const auto differences = CompareOutcomes(Wrote("a\nbc\nd\n"), Wrote("a\nbx\nd\n"));
  ASSERT_EQ(differences.size(), 1u);
  EXPECT_EQ(differences[0].what, "standard output, line 2");
  EXPECT_EQ(differences[0].native, "\"bc\\n\"");
  EXPECT_EQ(differences[0].guest, "\"bx\\n\"");
}

TEST(CompareOutcomesTest, OneEndsBefore) {
  auto differences = CompareOutcomes(Wrote("a\n"), Wrote("a\nb"));
  ASSERT_EQ(differences.size(), 1u);
  EXPECT_EQ(differences[0].what, "standard output, line 2");
  EXPECT_EQ(differences[0].native, "(end)");
  EXPECT_EQ(differences[0].guest, "\"b\"");
  differences = CompareOutcomes(Wrote("a"), Wrote(""));
  EXPECT_EQ(differences[0].guest, "(end)");
}

TEST(CompareOutcomesTest, BeyondWhatIsKept) {
  Outcome longer = Wrote("a");
  longer.out.total = 9;
  const auto differences = CompareOutcomes(Wrote("a"), longer);
  ASSERT_EQ(differences.size(), 1u);
  EXPECT_EQ(differences[0].what, "length of standard output");
}

TEST(CompareOutcomesTest, ExitsSignalsAndCores) {
  EXPECT_EQ(EndText(Wrote("", W_EXITCODE(3, 0))), "exit 3");
  EXPECT_EQ(EndText(Wrote("", SIGSEGV | kCoreFlag)), "killed by SIGSEGV, core dumped");
  EXPECT_EQ(CompareOutcomes(Wrote("", SIGSEGV), Wrote("", SIGSEGV | kCoreFlag)).size(), 1u);
  EXPECT_EQ(CompareOutcomes(Wrote("", W_EXITCODE(139, 0)), Wrote("", SIGSEGV)).size(), 1u);
  Outcome late = Wrote("");
  late.timed_out = true;
  EXPECT_EQ(EndText(late), "no end in time");
}

}  // namespace
}  // namespace fv::diff
