// SPDX-License-Identifier: Apache-2.0
//
// The words of --fail. What a guest does with the plan: GuestCommand.AllocationsThatFail.
#include "src/session/failures.h"

#include <gtest/gtest.h>

namespace fv::session {
namespace {

using proto::FailMode;
using proto::FailTrigger;

proto::FailControl Parse(const std::string& text) {
  const auto plan = ParseFailPlan(text);
  EXPECT_TRUE(plan.ok()) << plan.status();
  return plan.value_or(proto::FailControl{});
}

TEST(FailPlan, Modes) {
  EXPECT_EQ(Parse("nth:12").mode, FailMode::kNth);
  EXPECT_EQ(Parse("nth:12").number, 12u);
  EXPECT_EQ(Parse("every:3").mode, FailMode::kEvery);
  const proto::FailControl half = Parse("probability:0.5,seed:7");
  EXPECT_EQ(half.mode, FailMode::kProbability);
  EXPECT_EQ(half.number, uint64_t{1} << 31);
  EXPECT_EQ(half.seed, 7u);
  EXPECT_EQ(Parse("probability:1").number, uint64_t{1} << 32) << "above every random number";
  EXPECT_NE(Parse("probability:1e-12").number, 0u);
  EXPECT_NE(Parse("probability:0.1").seed, 0u) << "a generator that stands still";
}

TEST(FailPlan, Moments) {
  EXPECT_EQ(Parse("nth:1").trigger, FailTrigger::kStart);
  EXPECT_EQ(Parse("nth:1,after=fork").trigger, FailTrigger::kFork);
  EXPECT_EQ(Parse("after=mark:9,nth:1").trigger, FailTrigger::kMark);
  EXPECT_EQ(Parse("after=mark:9,nth:1").trigger_value, 9u);
  const proto::FailControl plan = Parse("nth:1,after=syscall:execve");
  EXPECT_EQ(plan.trigger, FailTrigger::kSyscall);
  EXPECT_EQ(plan.trigger_value, 59u);
  EXPECT_EQ(FailPlanEvents(plan), EventBit(proto::EventKind::kSyscallEnter));
  EXPECT_EQ(FailPlanEvents(Parse("nth:1")), 0u);
}

TEST(FailPlan, WrongWords) {
  for (const char* text : {"", "nth", "nth:", "nth:0", "nth:-1", "nth:x", "nth:1,every:2", "12",
                           "seed:1", "probability:0", "probability:1.5", "probability:nan",
                           "nth:1,after=", "nth:1,after=mark:", "nth:1,after=syscall:nothing",
                           "nth:1,after=never", "nth:1,", "probability:0.5,seed:0"}) {
    EXPECT_TRUE(absl::IsInvalidArgument(ParseFailPlan(text).status())) << text;
  }
}

}  // namespace
}  // namespace fv::session
