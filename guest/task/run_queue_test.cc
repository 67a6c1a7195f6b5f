// SPDX-License-Identifier: Apache-2.0
#include "guest/task/run_queue.h"

#include <gtest/gtest.h>

#include <vector>

#include "guest/task/task.h"

namespace fv::guest {

// Tasks that stand on a queue are in no namespaces.
void UtsNamespace::Release() {}
void PidNamespace::Release() {}

namespace {

class RunQueueTest : public ::testing::Test {
 protected:
  RunQueueTest() {
    queue_.Init();
    for (uint32_t i = 0; i < 4; ++i) {
      tasks_[i].pid = i;
    }
  }
  std::vector<uint32_t> Drain() {
    std::vector<uint32_t> order;
    while (Task* task = queue_.TakeNext()) {
      order.push_back(task->pid);
    }
    return order;
  }
  void SetRealtime(Task& task, uint8_t priority) {
    task.policy = SchedPolicy::kFifo;
    task.rt_priority = priority;
  }

  RunQueue queue_;
  Task tasks_[4];
};

using Order = std::vector<uint32_t>;

TEST_F(RunQueueTest, RoundRobinByArrival) {
  for (uint32_t i : {2u, 0u, 3u, 1u}) {
    queue_.Enqueue(tasks_[i]);
  }
  EXPECT_EQ(queue_.size(), 4u);
  EXPECT_EQ(Drain(), (Order{2, 0, 3, 1}));
  EXPECT_EQ(queue_.size(), 0u);
}

TEST_F(RunQueueTest, RealtimeFirstByPriority) {
  SetRealtime(tasks_[1], 10);
  SetRealtime(tasks_[2], 50);
  SetRealtime(tasks_[3], 10);
  for (Task& task : tasks_) {
    queue_.Enqueue(task);
  }
  EXPECT_EQ(queue_.Peek(), &tasks_[2]);
  EXPECT_EQ(Drain(), (Order{2, 1, 3, 0}));
}

TEST_F(RunQueueTest, PreemptedRealtimeTaskKeepsItsPlace) {
  SetRealtime(tasks_[1], 10);
  SetRealtime(tasks_[2], 10);
  queue_.Enqueue(tasks_[1]);
  queue_.Enqueue(tasks_[2], RunQueue::Where::kFront);
  EXPECT_EQ(Drain(), (Order{2, 1}));
}

TEST_F(RunQueueTest, InheritedPriorityCountsAsRealtime) {
  SetRealtime(tasks_[1], 10);
  SetRealtime(tasks_[2], 50);
  tasks_[3].policy = SchedPolicy::kIdle;
  tasks_[3].inherited_priority = 99 - 30;  // somebody of real-time priority 30 waits for it
  tasks_[2].inherited_priority = 99 - 30;  // lower than its own
  for (Task& task : tasks_) {
    queue_.Enqueue(task);
  }
  EXPECT_EQ(Drain(), (Order{2, 3, 1, 0}));
}

TEST_F(RunQueueTest, IdlePolicyLast) {
  tasks_[0].policy = SchedPolicy::kIdle;
  queue_.Enqueue(tasks_[0]);
  queue_.Enqueue(tasks_[1]);
  tasks_[2].policy = SchedPolicy::kBatch;
  queue_.Enqueue(tasks_[2]);
  EXPECT_EQ(Drain(), (Order{1, 2, 0}));
}

TEST_F(RunQueueTest, DequeueFromTheMiddle) {
  for (Task& task : tasks_) {
    queue_.Enqueue(task);
  }
  queue_.Dequeue(tasks_[2]);
  EXPECT_FALSE(IsLinked(tasks_[2].run_link));
  EXPECT_EQ(Drain(), (Order{0, 1, 3}));
}

TEST(SliceTicks, ShrinkWithNice) {
  EXPECT_EQ(SliceTicks(0), 3u);
  for (int nice = -20; nice < 19; ++nice) {
    EXPECT_GE(SliceTicks(nice), SliceTicks(nice + 1)) << nice;
    EXPECT_GE(SliceTicks(nice), 1u);
  }
}

}  // namespace
}  // namespace fv::guest
