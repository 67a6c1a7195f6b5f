// SPDX-License-Identifier: Apache-2.0
#include "src/diff/align.h"

#include <gtest/gtest.h>

#include <cerrno>

#include "src/diff/testing/script.h"

namespace fv::diff {
namespace {

using testing::Script;

// One letter a step: e equal, s skipped, r other result, c other call, m missing.
std::string Verdicts(Script& native, Script& guest, const std::set<uint64_t>& ignored = {},
                     Flow flow = Flow::kMain) {
  const trace::Trace a = native.Take();
  const trace::Trace b = guest.Take();
  const std::vector<std::optional<size_t>> counterparts = {0};
  std::string text;
  for (const Step& step : Align({a, b, counterparts, ignored}, flow, 0, 0)) {
    text += "esrcm"[static_cast<size_t>(step.verdict)];
  }
  return text;
}

TEST(AlignTest, EqualAndOtherResults) {
  Script native, guest;
  native.Call(SYS_read, 5).Call(SYS_close, 0).Exit(0);
  guest.Call(SYS_read, 4).Call(SYS_close, 0).Exit(0);
  EXPECT_EQ(Verdicts(native, guest), "ree");
}

TEST(AlignTest, EndsAtAnotherCall) {
  Script native, guest;
  native.Call(SYS_read, 5).Call(SYS_close, 0).Call(SYS_getuid, 0).Exit(0);
  guest.Call(SYS_read, 5).Call(SYS_dup, 0).Call(SYS_getuid, 0).Exit(0);
  EXPECT_EQ(Verdicts(native, guest), "ec");
}

TEST(AlignTest, OptionalCallsOnEitherSide) {
  Script native, guest;
  native.Call(SYS_sched_yield, 0).Call(SYS_futex, 0).Call(SYS_read, 1).Exit(0);
  guest.Call(SYS_clock_gettime, 0).Call(SYS_futex, 1).Call(SYS_futex, 1).Call(SYS_read, 1).Exit(0);
  EXPECT_EQ(Verdicts(native, guest), "ssesee");
}

TEST(AlignTest, OptionalCallsAreComparedWherePaired) {
  Script native, guest;
  native.Call(SYS_futex, -ETIMEDOUT).Exit(0);
  guest.Call(SYS_futex, 0).Exit(0);
  EXPECT_EQ(Verdicts(native, guest), "re");
}

TEST(AlignTest, WhatWasRefusedHasToBeThere) {
  Script native, guest;
  native.Call(SYS_clock_gettime, -EINVAL).Exit(0);
  guest.Call(SYS_clock_gettime, 0).Call(SYS_clock_gettime, -EINVAL).Exit(0);
  EXPECT_EQ(Verdicts(native, guest), "see");
}

TEST(AlignTest, InterruptedCallsAreMadeAgain) {
  Script native, guest;
  native.Call(SYS_read, -trace::kErestartSys).Call(SYS_read, 1).Exit(0);
  guest.Call(SYS_read, 1).Exit(0);
  EXPECT_EQ(Verdicts(native, guest), "see");
}

TEST(AlignTest, OneSideHasEnded) {
  Script native, guest;
  native.Call(SYS_getuid, 0).Exit(0);
  guest.Call(SYS_getuid, 0).Call(SYS_getuid, 0).Exit(0);
  EXPECT_EQ(Verdicts(native, guest), "ec");

  Script longer, ended;
  longer.Call(SYS_getuid, 0).Call(SYS_exit, 0);
  longer.Killed();
  ended.Call(SYS_getuid, 0).Call(SYS_exit, 0).Call(SYS_exit, 0);
  ended.Killed();
  EXPECT_EQ(Verdicts(longer, ended), "eem");
}

TEST(AlignTest, WhatWasKilledIsABeginning) {
  Script native, guest;
  native.Call(SYS_getuid, 0).Open(SYS_pause).Killed();
  guest.Call(SYS_getuid, 0).Killed();
  EXPECT_EQ(Verdicts(native, guest), "e");

  Script again, running;
  again.Call(SYS_getuid, 0).Call(SYS_getgid, 0).Exit(0);
  running.Call(SYS_getuid, 0);  // the run ended first
  EXPECT_EQ(Verdicts(again, running), "e");
}

TEST(AlignTest, WaitingLoopsTurnAsOftenAsTheyTurn) {
  Script native, guest;
  native.Call(SYS_open, 3).Call(SYS_read, 7).Call(SYS_close, 0);
  native.Call(SYS_kill, 0).Exit(0);
  guest.Call(SYS_open, 3).Call(SYS_read, 5).Call(SYS_close, 0).Call(SYS_sched_yield, 0);
  guest.Call(SYS_open, 3).Call(SYS_read, 5).Call(SYS_close, 0).Call(SYS_sched_yield, 0);
  guest.Call(SYS_open, 3).Call(SYS_read, 7).Call(SYS_close, 0);
  guest.Call(SYS_kill, 0).Exit(0);
  EXPECT_EQ(Verdicts(native, guest), "eeeee");
}

TEST(AlignTest, SleepingLoopsTooWhateverTheyAskFor) {
  Script native, guest;
  for (int i = 0; i < 3; ++i) native.Call(SYS_nanosleep, 0);
  native.Call(SYS_access, 0).Exit(0);
  guest.Call(SYS_access, -ENOENT).Call(SYS_clock_nanosleep, 0).Call(SYS_access, 0).Exit(0);
  EXPECT_EQ(Verdicts(native, guest), "see");
}

TEST(AlignTest, YieldsOutsideOfALoop) {
  Script native, guest;
  native.Call(SYS_open, 3).Call(SYS_sched_yield, 0).Call(SYS_read, 7).Exit(0);
  guest.Call(SYS_open, 3).Call(SYS_read, 7).Exit(0);
  EXPECT_EQ(Verdicts(native, guest), "esee");
}

TEST(AlignTest, HandlersApartFromTheRest) {
  Script native, guest;
  const auto handler = [](Script& script) {
    script.builder().OnHandler(testing::kFirst);
    script.Call(SYS_getpid, 2).Call(SYS_rt_sigreturn, 0);
  };
  handler(native);
  handler(native);
  native.Call(SYS_getuid, 0).Exit(0);
  guest.Call(SYS_getuid, 0);
  handler(guest);
  guest.Exit(0);
  Script native_again = native;
  Script guest_again = guest;
  EXPECT_EQ(Verdicts(native, guest), "ee");
  EXPECT_EQ(Verdicts(native_again, guest_again, {}, Flow::kHandlers), "eess");
}

TEST(AlignTest, IgnoredCalls) {
  Script native, guest;
  native.Call(SYS_getuid, 0).Call(SYS_read, 5).Exit(0);
  guest.Call(SYS_write, 3).Call(SYS_getuid, 0).Exit(0);
  EXPECT_EQ(Verdicts(native, guest, {SYS_read, SYS_write}), "ee");
}

}  // namespace
}  // namespace fv::diff
