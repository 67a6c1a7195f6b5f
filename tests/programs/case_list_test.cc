// SPDX-License-Identifier: Apache-2.0
//
// The list of cases and the runner of processes: a harness that cannot fail proves nothing.
#include "tests/programs/case_list.h"

#include <gtest/gtest.h>

#include <stdexcept>

#include "tests/programs/process.h"

namespace fv::tests {
namespace {

TEST(CaseList, ReadsFieldsAndArguments) {
  const auto cases = ParseCases(
      "a\tprogram\tx/a\t-\t-\nb\tshell\tx/b.sh\tx/in\t-read,kcmp\tone\t\tthree\n"
      "c\tprogram\tx/c\t-\tchance\n");
  ASSERT_EQ(cases.size(), 3u);
  EXPECT_EQ(cases[0].kind, CaseKind::kProgram);
  EXPECT_TRUE(cases[0].arguments.empty());
  EXPECT_EQ(cases[0].input_path, "");
  EXPECT_EQ(cases[1].kind, CaseKind::kShell);
  EXPECT_EQ(cases[1].input_path, "x/in");
  EXPECT_EQ(cases[1].arguments, (std::vector<std::string>{"one", "", "three"}));
  EXPECT_TRUE(cases[0].ignored_calls.empty());
  EXPECT_EQ(cases[1].ignored_calls, (std::vector<std::string>{"read", "kcmp"}));
  EXPECT_EQ(cases[1].calls, Case::Calls::kCompare);
  EXPECT_EQ(cases[2].calls, Case::Calls::kByChance);
}

TEST(CaseList, RefusesWhatIsNotACase) {
  EXPECT_THROW(ParseCases("a\tprogram\tx/a\t-\n"), std::invalid_argument);
  EXPECT_THROW(ParseCases("a\tother\tx/a\t-\t-\n"), std::invalid_argument);
  EXPECT_THROW(ParseCases("\tprogram\tx/a\t-\t-\n"), std::invalid_argument);
  EXPECT_THROW(ParseCases("a\tprogram\tx/a\t-\tread\n"), std::invalid_argument);
  EXPECT_THROW(ParseCases("a\tprogram\tx\t-\t-\na\tprogram\ty\t-\t-\n"), std::invalid_argument);
}

ProcessResult Shell(const std::string& script, std::chrono::seconds timeout, std::string input) {
  return RunProcess({.argv = {"/bin/sh", "-c", script},
                     .environment = {"PATH=/bin:/usr/bin", "ONLY=this"},
                     .cwd = "/",
                     .input = std::move(input),
                     .timeout = timeout});
}

TEST(Process, CatchesBothStreamsAndTheStatus) {
  const auto result = Shell("echo $ONLY; pwd; echo bad >&2; exit 7", std::chrono::seconds(20), "");
  EXPECT_EQ(result.out, "this\n/\n");
  EXPECT_EQ(result.err, "bad\n");
  EXPECT_EQ(result.status, 7);
  EXPECT_FALSE(result.timed_out);
  EXPECT_EQ(Shell("kill -9 $$", std::chrono::seconds(20), "").status, 137);
}

TEST(Process, FeedsInputLargerThanAPipe) {
  const std::string input(300000, 'x');
  const auto result = Shell("cat", std::chrono::seconds(20), input);
  EXPECT_EQ(result.out.size(), input.size());
  EXPECT_EQ(result.status, 0);
}

TEST(Process, EndsWhatHangsWithItsWholeGroup) {
  const auto result = Shell("sleep 100 & sleep 100", std::chrono::seconds(1), "");
  EXPECT_TRUE(result.timed_out);
  EXPECT_EQ(result.status, 137);
}

}  // namespace
}  // namespace fv::tests
