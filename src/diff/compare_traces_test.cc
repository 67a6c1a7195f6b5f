// SPDX-License-Identifier: Apache-2.0
#include "src/diff/compare_traces.h"

#include <gtest/gtest.h>

#include <cerrno>

#include "src/diff/testing/script.h"

namespace fv::diff {
namespace {

using testing::Script;

TEST(CompareTracesTest, TasksMatchByBirthWhateverTheirNumbersAndTurns) {
  Script native, guest;
  native.Fork(10).Fork(11);
  native.Call(SYS_getuid, 0, {}, 10).Call(SYS_getgid, 0, {}, 11).Exit(1, 10).Exit(2, 11);
  native.Call(SYS_wait4, 11, {11}).Call(SYS_wait4, 10, {10}).Exit(0);
  guest.Fork(3).Call(SYS_getuid, 0, {}, 3).Exit(1, 3);
  guest.Fork(4).Call(SYS_getgid, 0, {}, 4).Exit(2, 4);
  guest.Call(SYS_wait4, 4, {4}).Call(SYS_wait4, 3, {3}).Exit(0);
  const TraceComparison result = CompareTraces(native.Take(), guest.Take(), {});
  EXPECT_TRUE(result.differences.empty());
  EXPECT_EQ(result.tasks, 3u);
  EXPECT_EQ(result.calls, 9u);
}

TEST(CompareTracesTest, AnotherChildIsADifference) {
  Script native, guest;
  native.Fork(10).Fork(11).Call(SYS_wait4, 10, {10}).Exit(0);
  guest.Fork(10).Fork(11).Call(SYS_wait4, 11, {10}).Exit(0);
  const TraceComparison result = CompareTraces(native.Take(), guest.Take(), {});
  ASSERT_EQ(result.differences.size(), 1u);
  EXPECT_EQ(result.differences[0].task, "1");
  EXPECT_EQ(result.differences[0].call, 3u);
}

TEST(CompareTracesTest, ContextComesBeforeTheDifference) {
  Script native, guest;
  for (Script* script : {&native, &guest}) {
    script->Fork(7);
    for (int i = 0; i < 4; ++i) script->Call(SYS_getuid, i, {}, 7);
  }
  native.Call(SYS_dup, 3, {0}, 7).Exit(0, 7).Exit(0);
  guest.Call(SYS_dup, -EBADF, {0}, 7).Exit(0, 7).Exit(0);
  const TraceComparison result =
      CompareTraces(native.Take(), guest.Take(), {.ignored = {}, .context = 2});
  ASSERT_EQ(result.differences.size(), 1u);
  const CallDifference& difference = result.differences[0];
  EXPECT_EQ(difference.task, "1.1");
  EXPECT_EQ(difference.verdict, Verdict::kResult);
  ASSERT_EQ(difference.rows.size(), 3u);
  EXPECT_EQ(difference.rows[0].native, "getuid() = 2");
  EXPECT_EQ(difference.rows[2].native, "dup(0) = 3");
  EXPECT_EQ(difference.rows[2].guest, "dup(0) = -1 EBADF");
}

TEST(CompareTracesTest, EndsAfterSoManyDifferences) {
  Script native, guest;
  for (int i = 0; i < 5; ++i) {
    native.Call(SYS_dup, 1);
    guest.Call(SYS_dup, 2);
  }
  const TraceComparison result = CompareTraces(native.Take(), guest.Take(),
                                               {.ignored = {}, .context = 0, .max_differences = 3});
  EXPECT_EQ(result.differences.size(), 3u);
  EXPECT_TRUE(result.more);
}

TEST(CompareTracesTest, NothingRecorded) {
  const TraceComparison result = CompareTraces({}, Script().Call(SYS_dup, 1).Take(), {});
  EXPECT_EQ(result.tasks, 0u);
}

}  // namespace
}  // namespace fv::diff
