// SPDX-License-Identifier: Apache-2.0
#include "src/trace/trace_builder.h"

#include <gtest/gtest.h>
#include <sys/syscall.h>

#include <cerrno>

namespace fv::trace {
namespace {

TEST(TraceBuilderTest, NamesTasksByBirth) {
  TraceBuilder builder;
  builder.OnFirst(2);
  builder.OnBirth(2, 3);
  builder.OnBirth(3, 4);
  builder.OnBirth(2, 5);
  const Trace trace = builder.Take();
  ASSERT_EQ(trace.tasks.size(), 4u);
  EXPECT_EQ(TaskName(trace, 1), "1.1");
  EXPECT_EQ(TaskName(trace, 2), "1.1.1");
  EXPECT_EQ(TaskName(trace, 3), "1.2");
  EXPECT_EQ(trace.tasks[0].children, (std::vector<size_t>{1, 3}));
  EXPECT_EQ(trace.tasks[2].creator, 1u);
}

TEST(TraceBuilderTest, CallsOfTheirTasks) {
  TraceBuilder builder;
  builder.OnFirst(2);
  builder.OnEnter(2, SYS_fork, {});
  builder.OnBirth(2, 3);
  builder.OnEnter(3, SYS_getpid, {});
  builder.OnExit(2, 3);
  builder.OnExit(3, 3);
  builder.OnEnter(3, SYS_exit, {7});
  builder.OnEnd(3);
  const Trace trace = builder.Take();
  ASSERT_EQ(trace.tasks[0].calls.size(), 1u);
  EXPECT_EQ(trace.tasks[0].calls[0].result_task, 1u);
  EXPECT_FALSE(trace.tasks[0].ended);
  ASSERT_EQ(trace.tasks[1].calls.size(), 2u);
  EXPECT_TRUE(trace.tasks[1].calls[0].Returned());
  EXPECT_FALSE(trace.tasks[1].calls[1].Returned());
  EXPECT_TRUE(trace.tasks[1].ended);
}

TEST(TraceBuilderTest, ThreadIdsAreUsedAgain) {
  TraceBuilder builder;
  builder.OnFirst(2);
  builder.OnBirth(2, 3);
  builder.OnEnd(3);
  builder.OnEnter(2, SYS_wait4, {});
  builder.OnExit(2, 3);  // dead, and still known by its number
  builder.OnBirth(2, 3);
  builder.OnEnter(3, SYS_getpid, {});
  const Trace trace = builder.Take();
  ASSERT_EQ(trace.tasks.size(), 3u);
  EXPECT_EQ(trace.tasks[0].calls[0].result_task, 1u);
  EXPECT_TRUE(trace.tasks[1].calls.empty());
  EXPECT_EQ(trace.tasks[2].calls.size(), 1u);
}

TEST(TraceBuilderTest, ExecByAThreadTakesTheLeadersNumber) {
  TraceBuilder builder;
  builder.OnFirst(2);
  builder.OnBirth(2, 3);
  builder.OnEnter(2, SYS_pause, {});
  builder.OnEnter(3, SYS_execve, {});
  builder.OnExec(3, 2);
  builder.OnExit(2, 0);
  builder.OnEnter(2, SYS_getpid, {});
  builder.OnExit(2, 2);
  const Trace trace = builder.Take();
  EXPECT_TRUE(trace.tasks[0].ended);
  EXPECT_FALSE(trace.tasks[0].calls[0].Returned());
  ASSERT_EQ(trace.tasks[1].calls.size(), 2u);
  EXPECT_TRUE(trace.tasks[1].calls[0].Returned());
  EXPECT_EQ(trace.tasks[1].calls[1].result_task, 1u);
  EXPECT_FALSE(trace.tasks[1].ended);
}

TEST(TraceBuilderTest, ForkReturnsTheChildAlsoBehindAnExecOfItsThread) {
  TraceBuilder builder;
  builder.OnFirst(2);
  builder.OnEnter(2, SYS_fork, {});
  builder.OnBirth(2, 3);
  builder.OnEnter(3, SYS_clone, {});
  builder.OnBirth(3, 4);
  builder.OnExit(3, 4);
  builder.OnEnter(4, SYS_execve, {});
  builder.OnExec(4, 3);
  builder.OnExit(2, 3);  // the parent had to wait for the CPU
  builder.OnEnter(2, SYS_wait4, {});
  builder.OnExit(2, 3);
  const Trace trace = builder.Take();
  ASSERT_EQ(trace.tasks.size(), 3u);
  EXPECT_EQ(TaskName(trace, *trace.tasks[0].calls[0].result_task), "1.1");
  EXPECT_EQ(TaskName(trace, *trace.tasks[1].calls[0].result_task), "1.1.1");
  EXPECT_EQ(TaskName(trace, *trace.tasks[0].calls[1].result_task), "1.1.1");
}

TEST(TraceBuilderTest, CallsInHandlers) {
  TraceBuilder builder;
  builder.OnFirst(2);
  const auto call = [&](uint64_t number) {
    builder.OnEnter(2, number, {});
    builder.OnExit(2, 0);
  };
  call(SYS_getuid);
  builder.OnHandler(2);
  call(SYS_getuid);
  builder.OnHandler(2);
  builder.OnBirth(2, 3);
  builder.OnEnter(3, SYS_getuid, {});
  call(SYS_rt_sigreturn);
  call(SYS_rt_sigreturn);
  call(SYS_rt_sigreturn);  // without a handler: nothing to leave
  builder.OnHandler(2);
  builder.OnExec(2, 2);
  call(SYS_getuid);
  builder.OnHandler(9);
  const Trace trace = builder.Take();
  std::vector<int> depths;
  for (const Call& made : trace.tasks[0].calls) depths.push_back(made.handler_depth);
  EXPECT_EQ(depths, (std::vector<int>{0, 1, 2, 1, 0, 0}));
  EXPECT_EQ(trace.tasks[1].calls[0].handler_depth, 2);
}

TEST(TraceBuilderTest, AnInterruptedSleepGoesOn) {
  TraceBuilder builder;
  builder.OnFirst(2);
  builder.OnEnter(2, SYS_nanosleep, {1});
  builder.OnExit(2, -kErestartBlock);
  EXPECT_EQ(builder.OnEnter(2, SYS_restart_syscall, {}), nullptr);
  builder.OnExit(2, 0);
  builder.OnEnter(2, SYS_restart_syscall, {});  // made by a program: nothing to go on with
  builder.OnExit(2, -EINTR);
  const Trace trace = builder.Take();
  ASSERT_EQ(trace.tasks[0].calls.size(), 2u);
  EXPECT_EQ(trace.tasks[0].calls[0].number, static_cast<uint64_t>(SYS_nanosleep));
  EXPECT_EQ(trace.tasks[0].calls[0].result, 0);
  EXPECT_TRUE(trace.tasks[0].calls[0].Returned());
}

TEST(TraceBuilderTest, UnknownTasksAreDropped) {
  TraceBuilder builder;
  EXPECT_EQ(builder.OnEnter(9, SYS_getpid, {}), nullptr);
  builder.OnExit(9, 0);
  builder.OnBirth(9, 10);
  builder.OnExec(9, 10);
  builder.OnEnd(9);
  builder.OnFirst(2);
  builder.OnExit(2, 5);  // of a call that nobody saw begin
  EXPECT_TRUE(builder.Take().tasks[0].calls.empty());
}

TEST(TraceBuilderTest, KeepsABeginning) {
  TraceBuilder builder(2);
  builder.OnFirst(2);
  for (int i = 0; i < 3; ++i) {
    builder.OnEnter(2, SYS_getuid, {});
    builder.OnExit(2, i);
  }
  const Trace trace = builder.Take();
  EXPECT_TRUE(trace.truncated);
  ASSERT_EQ(trace.tasks[0].calls.size(), 2u);
  EXPECT_EQ(trace.tasks[0].calls[1].result, 1);
}

}  // namespace
}  // namespace fv::trace
