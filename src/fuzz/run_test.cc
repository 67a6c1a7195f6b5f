// SPDX-License-Identifier: Apache-2.0
//
// Random programs in a guest under the oracle, and natively: both run to their end, and in turns
// both give the same results.
#include "src/fuzz/run.h"

#include <gtest/gtest.h>

#include <cerrno>

#include "absl/strings/str_cat.h"
#include "src/cli/guest_kernel.h"
#include "src/fuzz/compare.h"
#include "src/fuzz/executor_program.h"
#include "src/fuzz/mutate.h"
#include "src/fuzz/native_runner.h"
#include "src/fuzz/text.h"
#include "src/native/testing/user_namespaces.h"
#include "vmm/testing/require_kvm.h"

namespace fv::fuzz {
namespace {

constexpr char kForkAndWait[] = R"(
  tasks {
    calls { name: "store" arguments { arena { page: 1 } } arguments { value: 7 } }
    calls { name: "fork" arguments { task: 1 } }
    calls { name: "wait4" arguments { flags: "-1" } arguments { structure { outbuf: true } }
            arguments { flags: "0" } arguments { flags: "0" } }
    calls { name: "load" arguments { arena { page: 1 } } }
    calls { name: "load" arguments { arena { page: 8 } } }
    calls { name: "load" arguments { arena { page: 20 } } }
  }
  tasks {
    calls { name: "load" arguments { arena { page: 1 } } }
    calls { name: "store" arguments { arena { page: 1 } } arguments { value: 8 } }
    calls { name: "store" arguments { arena { page: 8 } } arguments { value: 9 } }
    calls { name: "execve" arguments { flags: "self" } }
    calls { name: "exit" arguments { flags: "77" } }
  }
)";

constexpr char kForkAndWaitResults[] =
    R"([task 0] store(arena+0x1000, 7) = 0
[task 0] fork(task 1) = task 1
[task 0] wait4(-1, &output, 0, 0) = task 1 [0x4d00]
[task 0] load(arena+0x1000) = 0 [0x7]
[task 0] load(arena+0x8000) = 0 [0x9]
[task 0] load(arena+0x14000) = -1 EFAULT
[task 1] load(arena+0x1000) = 0 [0x7]
[task 1] store(arena+0x1000, 8) = 0
[task 1] store(arena+0x8000, 9) = 0
[task 1] execve(self) = 0
[task 1] exit(77) = ? (did not return)
)";

// A task waits for what never comes: it is cut off.
constexpr char kStuck[] = R"(
  tasks {
    calls { name: "pipe2" arguments { structure { outbuf: true } } arguments { flags: "0" } }
    calls { name: "read" arguments { output { } } arguments { arena { } } arguments { value: 1 } }
  }
)";

// A child of vfork is stopped before its first instruction: nobody knows its number when its parent
// is killed.
constexpr char kStoppedBeforeItRan[] = R"(
  order: FREE
  tasks {
    calls { name: "fork" arguments { task: 1 } }
    calls { name: "fork" arguments { task: 2 } }
  }
  tasks {
    calls { name: "sched_yield" }
    calls { name: "kill" arguments { group: 0 } arguments { flags: "SIGTSTP" } }
  }
  tasks {
    calls { name: "munlock" arguments { arena { page: 8 } } arguments { value: 8192 } }
    calls { name: "vfork" arguments { task: 3 } }
  }
  tasks { }
)";

// A call that names the child of a vfork, made by another task once the parent sleeps: the child
// may not have run yet.
constexpr char kNamesAVforkChild[] = R"(
  turns: [0, 0, 1, 2, 3]
  tasks {
    calls { name: "fork" arguments { task: 1 } }
    calls { name: "fork" arguments { task: 2 } }
  }
  tasks { calls { name: "vfork" arguments { task: 3 } } }
  tasks { calls { name: "setpgid" arguments { pid: 3 } arguments { pid: 2 } } }
  tasks { }
)";

Program Parsed(const std::string& text) {
  absl::StatusOr<Program> program = ParseText(text);
  EXPECT_TRUE(program.ok()) << program.status();
  return *std::move(program);
}

std::unique_ptr<NativeRunner> Native() {
  return *NativeRunner::Make(embedded::FuzzExecutor(), native::testing::UserForTests());
}
// On a busy machine, too.
absl::StatusOr<Results> RunPatiently(NativeRunner& native, const Program& program) {
  return native.Run(program, NativeRunner::kPatientLimitMs);
}

class FuzzRun : public vmm::testing::KvmTest {
 protected:
  static std::unique_ptr<GuestRunner> Guest(oracle::CheckMode check) {
    return *GuestRunner::Make({.kernel_image = embedded::GuestKernel(),
                               .executor = embedded::FuzzExecutor(),
                               .check = check});
  }
};

TEST(NativeRun, GivesTheResultOfEveryStep) {
  const Program program = Parsed(kForkAndWait);
  const absl::StatusOr<Results> results = RunPatiently(*Native(), program);
  ASSERT_TRUE(results.ok()) << results.status();
  EXPECT_EQ(ResultsText(program, *results), kForkAndWaitResults);
}

TEST(NativeRun, ATaskHasItsNumberBeforeOthersNameIt) {
  constexpr int kRuns = 100;
  const Program program = Parsed(kNamesAVforkChild);
  const std::unique_ptr<NativeRunner> native = Native();
  for (int run = 0; run < kRuns; ++run) {
    const absl::StatusOr<Results> results = RunPatiently(*native, program);
    ASSERT_TRUE(results.ok()) << results.status();
    ASSERT_EQ(results->tasks[2][0].result, -ESRCH) << "nobody's child but the other task's";
  }
}

TEST(CompareResults, WhoOfTwoThreadsGetsAChildIsChance) {
  const auto program = [](const char* flags) {
    constexpr char kWait[] =
        R"(calls { name: "wait4" arguments { flags: "-1" } arguments { structure { outbuf: true } }
                   arguments { flags: "0" } arguments { flags: "0" } })";
    return Parsed(absl::StrCat(
        "tasks { calls { name: \"clone\" arguments { task: 1 } arguments { flags: \"", flags,
        "\" } arguments { flags: \"0\" } } calls { name: \"fork\" arguments { task: 2 } } ", kWait,
        "} tasks {", kWait, "} tasks { }"));
  };
  constexpr auto kDone = StepResult::State::kDone;
  const StepResult made{.state = kDone, .result = 0, .output = 0};
  const StepResult child{.state = kDone, .result = 12, .output = 0x200};
  const StepResult none{.state = kDone, .result = -ECHILD, .output = 0};
  Results a{.pids = {10, 11, 12}, .tasks = {{made, made, child}, {none}, {}}};
  Results b{.pids = {10, 11, 12}, .tasks = {{made, made, none}, {child}, {}}};
  const Program threads = program("CLONE_VM|CLONE_SIGHAND|CLONE_THREAD");
  EXPECT_TRUE(CompareResults(threads, a, b).empty());
  EXPECT_EQ(CompareResults(program("CLONE_VM"), a, b).size(), 2u) << "two processes";
  b.tasks[0][2] = child;
  EXPECT_EQ(CompareResults(threads, a, b).size(), 1u) << "both have it";
}

TEST(CompareResults, WhetherDyingThreadsLeaveTheirChildFirstIsChance) {
  const auto program = [](const char* flags) {
    return Parsed(absl::StrCat(
        R"(tasks {
             calls { name: "fork" arguments { task: 1 } }
             calls { name: "wait4" arguments { flags: "-1" }
                     arguments { structure { outbuf: true } } arguments { flags: "0" }
                     arguments { flags: "0" } }
           }
           tasks {
             calls { name: "fork" arguments { task: 2 } }
             calls { name: "clone" arguments { task: 3 } arguments { flags: ")",
        flags, R"(" } arguments { flags: "0" } } } tasks { } tasks { })"));
  };
  constexpr auto kDone = StepResult::State::kDone;
  const StepResult made{.state = kDone, .result = 0, .output = 0};
  const auto after = [&made](int64_t pid, uint64_t status) {
    const StepResult waited{.state = kDone, .result = pid, .output = status};
    return Results{.pids = {10, 11, 12, 13}, .tasks = {{made, waited}, {made, made}, {}, {}}};
  };
  const Results process = after(11, 0x4);
  const Results child = after(12, 0x200);
  const Program threads = program("CLONE_VM|CLONE_SIGHAND|CLONE_THREAD");
  EXPECT_TRUE(CompareResults(threads, process, child).empty());
  EXPECT_TRUE(CompareResults(threads, child, process).empty());
  EXPECT_EQ(CompareResults(program("CLONE_VM"), process, child).size(), 1u) << "no threads";
  EXPECT_EQ(CompareResults(threads, process, after(-ECHILD, 0)).size(), 1u) << "nobody";
  EXPECT_EQ(CompareResults(threads, process, after(11, 0x5)).size(), 1u) << "another status";
}

TEST_F(FuzzRun, GivesTheResultOfEveryStep) {
  const Program program = Parsed(kForkAndWait);
  const GuestRun run = Guest(oracle::CheckMode::kEvery)->Run(program);
  ASSERT_TRUE(run.results.has_value()) << run.message;
  EXPECT_TRUE(run.findings.empty());
  EXPECT_EQ(ResultsText(program, *run.results), kForkAndWaitResults);
}

TEST_F(FuzzRun, WhatIsStuckIsCutOff) {
  const Program program = Parsed(kStuck);
  const GuestRun run = Guest(oracle::CheckMode::kEnd)->Run(program);
  ASSERT_TRUE(run.results.has_value()) << run.message;
  EXPECT_EQ(run.results->cut, FV_FUZZ_STUCK);
  EXPECT_EQ(run.results->tasks[0][1].state, StepResult::State::kEntered);
  const absl::StatusOr<Results> native = RunPatiently(*Native(), program);
  ASSERT_TRUE(native.ok()) << native.status();
  EXPECT_EQ(native->cut, FV_FUZZ_STUCK);
}

TEST_F(FuzzRun, WhatNobodyCanNameIsCutOff) {
  const GuestRun run = Guest(oracle::CheckMode::kEvery)->Run(Parsed(kStoppedBeforeItRan));
  ASSERT_TRUE(run.results.has_value()) << run.message;
  EXPECT_TRUE(run.results->cut);
}

TEST_F(FuzzRun, RandomProgramsEndAndBreakNothing) {
  const auto guest = Guest(oracle::CheckMode::kEnd);
  for (uint64_t seed = 1; seed <= 100; ++seed) {
    Random random(seed);
    const Program program = RandomProgram(random, {});
    const GuestRun run = guest->Run(program);
    ASSERT_TRUE(run.results.has_value()) << run.message << "\n" << ToText(program);
    ASSERT_TRUE(run.findings.empty()) << run.findings.front() << "\n" << ToText(program);
  }
}

// What the executor alone does.
constexpr char kFailedFork[] = R"(
  tasks {
    calls { name: "fail" arguments { flags: "1" } }
    calls { name: "fork" arguments { task: 1 } }
    calls { name: "fork" arguments { task: 2 } }
  }
  tasks { }
  tasks { }
)";

TEST_F(FuzzRun, AFailedAllocationIsTheNextCalls) {
  const Program program = Parsed(kFailedFork);
  EXPECT_FALSE(IsComparable(program));
  const GuestRun run = Guest(oracle::CheckMode::kEvery)->Run(program);
  ASSERT_TRUE(run.results.has_value()) << run.message;
  EXPECT_TRUE(run.findings.empty()) << run.findings.front();
  EXPECT_EQ(ResultsText(program, *run.results),
            "[task 0] fail(1) = 0\n"
            "[task 0] fork(task 1) = -1 ENOMEM\n"
            "[task 0] fork(task 2) = task 2\n");
}

constexpr char kCloneAt[] = R"(
  tasks {
    calls { name: "clone_at" arguments { task: 1 } arguments { flags: "CLONE_PIDFD" }
            arguments { flags: "SIGCHLD" } arguments { arena { page: 1 } } }
    calls { name: "load" arguments { arena { page: 1 } } }
    calls { name: "fail" arguments { flags: "each" } }
    calls { name: "clone_at" arguments { task: 2 }
            arguments { flags: "CLONE_PIDFD|CLONE_PARENT_SETTID" }
            arguments { flags: "SIGCHLD" } arguments { arena { page: 1 } } }
    calls { name: "clone_at" arguments { task: 3 } arguments { flags: "CLONE_PIDFD" }
            arguments { flags: "SIGCHLD" } arguments { arena { page: 20 } } }
    calls { name: "fail" arguments { flags: "each" } }
    calls { name: "clone_at" arguments { task: 4 }
            arguments { flags: "CLONE_VM|CLONE_VFORK|CLONE_CHILD_CLEARTID" }
            arguments { flags: "SIGCHLD" } arguments { arena { page: 2 } } }
    calls { name: "load" arguments { arena { page: 2 } } }
  }
  tasks { }
  tasks { }
  tasks { }
  tasks { }
)";

constexpr char kCloneAtResults[] =
    R"([task 0] clone_at(task 1, CLONE_PIDFD, SIGCHLD, arena+0x1000) = task 1
[task 0] load(arena+0x1000) = 0 [0x0]
[task 0] fail(each) = 0
[task 0] clone_at(task 2, CLONE_PIDFD|CLONE_PARENT_SETTID, SIGCHLD, arena+0x1000) = -1 EINVAL
[task 0] clone_at(task 3, CLONE_PIDFD, SIGCHLD, arena+0x14000) = -1 EFAULT
[task 0] fail(each) = 0
[task 0] clone_at(task 4, CLONE_VM|CLONE_VFORK|CLONE_CHILD_CLEARTID, SIGCHLD, arena+0x2000) = task 4
[task 0] load(arena+0x2000) = 0 [0x0]
)";

TEST_F(FuzzRun, ACloneWritesItsNumbersWhereItIsTold) {
  const Program program = Parsed(kCloneAt);
  EXPECT_FALSE(IsComparable(program));
  const GuestRun run = Guest(oracle::CheckMode::kEvery)->Run(program);
  ASSERT_TRUE(run.results.has_value()) << run.message;
  EXPECT_TRUE(run.findings.empty()) << run.findings.front();
  EXPECT_EQ(ResultsText(program, *run.results), kCloneAtResults);
}

constexpr char kFaults[] = R"(
  tasks {
    calls { name: "strategy" arguments { flags: "ondemand" } }
    calls { name: "rt_sigaction" arguments { flags: "SIGFPE" }
            arguments { structure { sigaction { handler: CATCH } } } arguments { flags: "0" }
            arguments { flags: "8" } }
    calls { name: "fault" arguments { flags: "divide" } }
    calls { name: "fault" arguments { flags: "x87" } }
    calls { name: "fault" arguments { flags: "sse" } }
    calls { name: "fault" arguments { flags: "jump_null" } }
    calls { name: "fault" arguments { flags: "jump_far" } }
    calls { name: "fault" arguments { flags: "jump_data" } }
    calls { name: "fault" arguments { flags: "privileged" } }
    calls { name: "execve" arguments { flags: "/loop" } }
    calls { name: "execve" arguments { flags: "/short" } }
    calls { name: "execve" arguments { flags: "/deep" } }
    calls { name: "execve" arguments { flags: "/interpreted" } }
    calls { name: "fault" arguments { flags: "undefined" } }
  }
)";

constexpr char kFaultsResults[] = R"([task 0] strategy(ondemand) = 0
[task 0] rt_sigaction(SIGFPE, {count, flags 0x0, mask 0x0}, 0, 8) = 0
[task 0] fault(divide) = -1 EFAULT
[task 0] fault(x87) = -1 EFAULT
[task 0] fault(sse) = -1 EFAULT
[task 0] fault(jump_null) = -1 EFAULT
[task 0] fault(jump_far) = -1 EFAULT
[task 0] fault(jump_data) = -1 EFAULT
[task 0] fault(privileged) = -1 EFAULT
[task 0] execve(/loop) = -1 ELOOP
[task 0] execve(/short) = -1 ENOEXEC
[task 0] execve(/deep) = 0
[task 0] execve(/interpreted) = 0
[task 0] fault(undefined) = ? (did not return)
[task 0] signal handlers: 3
)";

TEST_F(FuzzRun, FaultsAndImagesAreThoseOfLinux) {
  const Program program = Parsed(kFaults);
  EXPECT_TRUE(IsComparable(program));
  const GuestRun run = Guest(oracle::CheckMode::kEvery)->Run(program);
  ASSERT_TRUE(run.results.has_value()) << run.message;
  EXPECT_TRUE(run.findings.empty()) << run.findings.front();
  EXPECT_EQ(ResultsText(program, *run.results), kFaultsResults);
  const absl::StatusOr<Results> native = RunPatiently(*Native(), program);
  ASSERT_TRUE(native.ok()) << native.status();
  EXPECT_EQ(ResultsText(program, *native), kFaultsResults);
}

// The same program and the same machine: the same results, those outside of the arena too.
TEST_F(FuzzRun, IsTheSameEveryTime) {
  const auto guest = Guest(oracle::CheckMode::kOff);
  for (uint64_t seed = 1; seed <= 30; ++seed) {
    Random random(seed);
    const Program program = RandomProgram(random, {});
    const GuestRun once = guest->Run(program);
    const GuestRun again = guest->Run(program);
    ASSERT_TRUE(once.results && again.results);
    ASSERT_EQ(ResultsText(program, *once.results), ResultsText(program, *again.results));
  }
}

}  // namespace
}  // namespace fv::fuzz
