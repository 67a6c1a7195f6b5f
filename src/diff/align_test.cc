// SPDX-License-Identifier: Apache-2.0
#include "src/diff/align.h"

#include <gtest/gtest.h>
#include <sys/wait.h>

#include <cerrno>
#include <csignal>

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

TEST(AlignTest, OpensThatARenameDisturbedAreMadeAgain) {
  Script native, guest;
  native.Call(SYS_openat2, -EAGAIN).Call(SYS_openat2, -EAGAIN).Call(SYS_openat2, -ENOENT).Exit(0);
  guest.Call(SYS_openat2, -ENOENT).Exit(0);
  EXPECT_EQ(Verdicts(native, guest), "ssee");
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

TEST(AlignTest, LoopsThatAskForAChildAreWaitingToo) {
  Script native, guest;
  const std::array<uint64_t, 6> poll = {3, 0, WNOHANG};
  for (int i = 0; i < 3; ++i) native.Call(SYS_brk, 0).Call(SYS_wait4, 0, poll);
  native.Call(SYS_brk, 0).Call(SYS_wait4, 3, poll).Exit(0);
  guest.Call(SYS_brk, 0).Call(SYS_wait4, 3, poll).Exit(0);
  EXPECT_EQ(Verdicts(native, guest), "eee");
}

TEST(AlignTest, TurnsBeginAlike) {
  Script native, guest;
  native.Call(SYS_rt_sigprocmask, 0, {0, 1}).Call(SYS_rt_sigprocmask, 0, {0, 2}).Exit(0);
  guest.Call(SYS_rt_sigprocmask, 0, {0, 1}).Call(SYS_sched_yield, 0);
  guest.Call(SYS_rt_sigprocmask, 0, {0, 2}).Exit(0);
  EXPECT_EQ(Verdicts(native, guest), "esee");
}

TEST(AlignTest, WhatMakesTasksOrSendsSignalsIsNotWaiting) {
  for (const uint64_t number : {SYS_kill, SYS_clone}) {
    Script native, guest;
    const std::array<uint64_t, 6> arguments = {3, SIGUSR1};
    for (int i = 0; i < 3; ++i) native.Call(number, 0, arguments).Call(SYS_sched_yield, 0);
    native.Exit(0);
    for (int i = 0; i < 3; ++i) guest.Call(number, 0, arguments);
    guest.Exit(0);
    EXPECT_EQ(Verdicts(native, guest), "esesese");
  }
  // Whether somebody is still there may be asked often.
  Script native, guest;
  native.Call(SYS_kill, 0, {3, 0}).Call(SYS_sched_yield, 0).Call(SYS_kill, -ESRCH, {3, 0}).Exit(0);
  guest.Call(SYS_kill, -ESRCH, {3, 0}).Exit(0);
  EXPECT_EQ(Verdicts(native, guest), "ee");
}

TEST(AlignTest, StreamsComeInAnyPieces) {
  const auto reads = [](const std::vector<int64_t>& results, trace::Call::Source source) {
    Script script;
    for (const int64_t result : results) {
      script.builder().OnEnter(testing::kFirst, SYS_read, {7})->source = source;
      script.builder().OnExit(testing::kFirst, result);
    }
    script.Call(SYS_close, 0).Exit(0);
    return script;
  };
  const auto verdicts = [&](const std::vector<int64_t>& native, const std::vector<int64_t>& guest,
                            trace::Call::Source source) {
    Script natively = reads(native, source);
    Script in_guest = reads(guest, trace::Call::Source::kOther);  // not known there
    return Verdicts(natively, in_guest);
  };
  using Source = trace::Call::Source;
  EXPECT_EQ(verdicts({4, 4, 0}, {8, 0}, Source::kStream), "eesee");
  EXPECT_EQ(verdicts({8}, {1, 3, 4}, Source::kStream), "essee");
  EXPECT_EQ(verdicts({4, 4, 0}, {9, 0}, Source::kStream), "resee");
  EXPECT_EQ(verdicts({4, 4, 0}, {8}, Source::kStream), "rssee");  // it did not read to the end
  EXPECT_EQ(verdicts({4, -EAGAIN}, {4, -EIO}, Source::kStream), "eree");
  const int64_t interrupted = -trace::kErestartSys;
  EXPECT_EQ(verdicts({4, interrupted, 3, 1, 0}, {8, 0}, Source::kStream), "eesssee");
  EXPECT_EQ(verdicts({interrupted, 8, interrupted}, {1, 3, interrupted, 4}, Source::kStream),
            "seessee");
  EXPECT_EQ(verdicts({4, 4, 0}, {9, 0}, Source::kKernelFile), "eesee");
  EXPECT_EQ(verdicts({4, 4, 0}, {8, 0}, Source::kOther), "rrc");  // no stream
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
