// SPDX-License-Identifier: Apache-2.0
#include "src/diff/format.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace fv::diff {
namespace {

DiffResult Sample() {
  DiffResult result;
  result.native.out = {.bytes = "a\n", .total = 2};
  result.guest.out = {.bytes = "b\xFF\n", .total = 3};
  result.outcome_differences = CompareOutcomes(result.native, result.guest);
  result.calls.tasks = 1;
  result.calls.calls = 7;
  result.calls.differences.push_back(
      {.task = "1.2",
       .native_pid = 4,
       .guest_pid = 5,
       .call = 3,
       .verdict = Verdict::kResult,
       .rows = {{Verdict::kSkipped, "", "sched_yield() = 0"},
                {Verdict::kResult, "dup(0) = 3", "dup(0) = -1 EBADF"}}});
  return result;
}

TEST(FormatTest, TwoColumns) {
  EXPECT_EQ(FormatText(Sample()),
            "standard output, line 1\n"
            "  natively      \"a\\n\"\n"
            "  in the guest  \"b\\377\\n\"\n"
            "task 1.2 (pid 4, in the guest 5), call 3: another result\n"
            "  natively                 | in the guest\n"
            "~                          | sched_yield() = 0\n"
            "> dup(0) = 3               | dup(0) = -1 EBADF\n"
            "different: exit 0, 2 bytes of output, 7 system calls of 1 task\n");
}

TEST(FormatTest, Equal) {
  EXPECT_EQ(FormatText(DiffResult()), "equal: exit 0, 0 bytes of output\n");
}

TEST(FormatTest, OtherEnds) {
  DiffResult result;
  result.guest.wait_status = 9;
  result.outcome_differences = CompareOutcomes(result.native, result.guest);
  EXPECT_NE(FormatText(result).find("different: exit 0 (in the guest killed by SIGKILL)"),
            std::string::npos);
}

TEST(FormatTest, JsonHasAllOfIt) {
  const auto json = nlohmann::json::parse(FormatJson(Sample()));
  EXPECT_FALSE(json["equal"]);
  EXPECT_EQ(json["native"]["end"], "exit 0");
  EXPECT_EQ(json["differences"][0]["what"], "standard output, line 1");
  EXPECT_EQ(json["calls_compared"], 7);
  EXPECT_EQ(json["call_differences"][0]["task"], "1.2");
  EXPECT_EQ(json["call_differences"][0]["rows"][1]["guest"], "dup(0) = -1 EBADF");
  EXPECT_EQ(json["call_differences"][0]["rows"][0]["verdict"], "skipped");
}

}  // namespace
}  // namespace fv::diff
