// SPDX-License-Identifier: Apache-2.0
//
// The watchdog's and the tick's decisions, with made-up times.
#include "vmm/watchdog.h"

#include <gtest/gtest.h>

#include "vmm/tick.h"

namespace fv::vmm {
namespace {

constexpr uint64_t kStart = 1'000'000;
constexpr uint64_t kSpin = 800;

// The guest runs all the time, unless a test stops this clock.
uint64_t running = 0;
uint64_t Running() { return running; }

class WatchdogTest : public ::testing::Test {
 protected:
  // Looks at `now`, up to which the guest ran.
  static Verdict Look(Watchdog& dog, uint64_t now) {
    running = now;
    return dog.Look(now, Running);
  }
};

TEST_F(WatchdogTest, AsksBeforeItAccuses) {
  Watchdog dog({.wall_limit_ns = 0, .spin_limit_ns = kSpin}, kStart);
  EXPECT_EQ(Look(dog, kStart), Verdict::kFine);
  EXPECT_EQ(Look(dog, kStart + kSpin / 4 - 1), Verdict::kFine);
  EXPECT_EQ(Look(dog, kStart + kSpin / 4), Verdict::kAskWindow);
  EXPECT_EQ(Look(dog, kStart + kSpin - 1), Verdict::kAskWindow);
  EXPECT_EQ(Look(dog, kStart + kSpin), Verdict::kSpin);
}

TEST_F(WatchdogTest, AGuestWithoutACpuIsNotAccused) {
  Watchdog dog({.wall_limit_ns = 0, .spin_limit_ns = kSpin}, kStart);
  EXPECT_EQ(Look(dog, kStart + kSpin / 4), Verdict::kAskWindow);
  EXPECT_EQ(dog.Look(kStart + 100 * kSpin, Running), Verdict::kAskWindow);
  running += kSpin;
  EXPECT_EQ(dog.Look(kStart + 101 * kSpin, Running), Verdict::kSpin);
}

TEST_F(WatchdogTest, ProgressStartsTheCountAgain) {
  Watchdog dog({.wall_limit_ns = 0, .spin_limit_ns = kSpin}, kStart);
  EXPECT_EQ(Look(dog, kStart + kSpin - 1), Verdict::kAskWindow);
  dog.OnProgress(kStart + kSpin - 1);
  EXPECT_EQ(Look(dog, kStart + kSpin), Verdict::kFine);
  EXPECT_EQ(Look(dog, kStart + kSpin - 1 + kSpin / 4), Verdict::kAskWindow);
  EXPECT_EQ(Look(dog, kStart + 2 * kSpin), Verdict::kSpin);
}

TEST_F(WatchdogTest, TheHostsOwnTimeDoesNotCount) {
  Watchdog dog({.wall_limit_ns = 0, .spin_limit_ns = kSpin}, kStart);
  dog.Exclude(10 * kSpin);
  EXPECT_EQ(Look(dog, kStart + 10 * kSpin), Verdict::kFine);
  EXPECT_EQ(Look(dog, kStart + 5), Verdict::kFine) << "more was excluded than has passed";
  EXPECT_EQ(Look(dog, kStart + 10 * kSpin + kSpin / 4), Verdict::kAskWindow);
  EXPECT_EQ(Look(dog, kStart + 11 * kSpin), Verdict::kSpin);
}

TEST_F(WatchdogTest, WallLimitCountsEverything) {
  Watchdog dog({.wall_limit_ns = 5000, .spin_limit_ns = kSpin}, kStart);
  dog.OnProgress(kStart + 4999);
  EXPECT_EQ(dog.NsLeft(kStart + 4999), 1u);
  EXPECT_EQ(Look(dog, kStart + 4999), Verdict::kFine);
  dog.OnProgress(kStart + 5000);
  EXPECT_EQ(Look(dog, kStart + 5000), Verdict::kWallLimit);
  EXPECT_EQ(dog.NsLeft(kStart + 6000), 0u);
}

TEST_F(WatchdogTest, ZeroSwitchesABoundOff) {
  Watchdog dog({.wall_limit_ns = 0, .spin_limit_ns = 0}, kStart);
  EXPECT_EQ(Look(dog, kStart + (uint64_t{1} << 60)), Verdict::kFine);
}

TEST(TickTest, IsDueOnlyWhenWanted) {
  Tick tick;
  tick.OnTimer({.tick_wanted = 0, .timer_deadline_tsc = 0}, 100);
  EXPECT_FALSE(tick.due());
  tick.OnTimer({.tick_wanted = 0, .timer_deadline_tsc = 101}, 100);
  EXPECT_FALSE(tick.due()) << "the timer is not yet due";
  tick.OnTimer({.tick_wanted = 0, .timer_deadline_tsc = 100}, 100);
  EXPECT_TRUE(tick.due());
  tick.OnInjected();
  EXPECT_FALSE(tick.due());
  tick.OnTimer({.tick_wanted = 1, .timer_deadline_tsc = 0}, 100);
  EXPECT_TRUE(tick.due());
}

TEST(TickTest, StaysDueUntilInjectedOrIdle) {
  Tick tick;
  tick.OnTimer({.tick_wanted = 1, .timer_deadline_tsc = 0}, 100);
  tick.OnTimer({.tick_wanted = 0, .timer_deadline_tsc = 0}, 200);
  EXPECT_TRUE(tick.due()) << "a tick that could not be taken is not lost";
  tick.OnIdle();
  EXPECT_FALSE(tick.due());
}

}  // namespace
}  // namespace fv::vmm
