// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <vector>

#include "guest/task/timer.h"

namespace fv::guest {
namespace {

TEST(TimerQueue, EmptyHasNoEarliest) {
  TimerQueue queue;
  EXPECT_EQ(queue.Earliest(), nullptr);
}

TEST(TimerQueue, OneTimer) {
  TimerQueue queue;
  Timer timer;
  timer.deadline_ns = 5;
  queue.Insert(timer);
  EXPECT_TRUE(timer.armed);
  EXPECT_EQ(queue.Earliest(), &timer);
  queue.Remove(timer);
  EXPECT_FALSE(timer.armed);
  EXPECT_EQ(queue.Earliest(), nullptr);
}

// Against a sorted multiset of the same deadlines, with removals from the middle.
TEST(TimerQueue, AgreesWithASortedList) {
  std::mt19937_64 random(7);
  std::vector<Timer> timers(2000);
  std::vector<Timer*> armed;
  TimerQueue queue;
  for (int step = 0; step < 20000; ++step) {
    Timer& timer = timers[random() % timers.size()];
    if (timer.armed) {
      queue.Remove(timer);
      armed.erase(std::find(armed.begin(), armed.end(), &timer));
    } else {
      timer.deadline_ns = random() % 500;
      queue.Insert(timer);
      armed.push_back(&timer);
    }
    if (armed.empty()) {
      ASSERT_EQ(queue.Earliest(), nullptr);
      continue;
    }
    const Timer* least = *std::min_element(
        armed.begin(), armed.end(),
        [](const Timer* a, const Timer* b) { return a->deadline_ns < b->deadline_ns; });
    ASSERT_EQ(queue.Earliest()->deadline_ns, least->deadline_ns);
  }
}

TEST(TimerQueue, DrainsInOrder) {
  std::mt19937_64 random(11);
  std::vector<Timer> timers(5000);
  TimerQueue queue;
  for (Timer& timer : timers) {
    timer.deadline_ns = random();
    queue.Insert(timer);
  }
  uint64_t last = 0;
  size_t count = 0;
  while (Timer* timer = queue.Earliest()) {
    ASSERT_GE(timer->deadline_ns, last);
    last = timer->deadline_ns;
    queue.Remove(*timer);
    ++count;
  }
  EXPECT_EQ(count, timers.size());
}

struct Owner {
  int before = 1;
  Timer timer;
  int after = 2;
};

TEST(Timer, OwnerIsFoundFromTheMember) {
  Owner owner;
  EXPECT_EQ((&TimerOwner<Owner, &Owner::timer>(owner.timer)), &owner);
}

}  // namespace
}  // namespace fv::guest
