// SPDX-License-Identifier: Apache-2.0
//
// Programs are busybox's: it is small, static, and has everything that a root must hold.
#include "src/native/native.h"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <set>

#include "src/native/testing/user_namespaces.h"
#include "src/native/users.h"
#include "src/rootfs/root.h"
#include "src/trace/trace.h"

namespace fv::native {
namespace {

namespace fs = std::filesystem;
using Calls = NativeOptions::Calls;
using Root = NativeOptions::Root;
using User = NativeOptions::User;

constexpr char kBusybox[] = "/bin/busybox";
constexpr uint64_t kLongest = 60'000'000'000;  // a test that takes this long has failed

class NativeTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!fs::exists(kBusybox)) GTEST_SKIP() << kBusybox << " is missing";
    absl::StatusOr<rootfs::Root> root = rootfs::BuildRoot({.program = kBusybox});
    ASSERT_TRUE(root.ok()) << root.status();
    root_ = *std::move(root);
  }

  NativeOptions Shell(const std::string& script) {
    NativeOptions options;
    options.tree = &root_.tree;
    options.tree_limit_bytes = 64 << 20;
    options.path = kBusybox;
    options.argv = {kBusybox, "sh", "-c", script};
    options.environment = {"PATH=/bin"};
    options.cwd = "/tmp";
    options.timeout_ns = kLongest;
    options.user = testing::UserForTests();
    return options;
  }

  // The result, or a skip where this host does not permit it; which CI counts as a failure.
  NativeResult Run(const NativeOptions& options) {
    absl::StatusOr<NativeResult> result = RunNative(options);
    if (result.ok()) return *std::move(result);
    const char* required = std::getenv("FORKVISOR_REQUIRE_KVM");
    const bool may_skip = required == nullptr || std::string(required) != "1";
    if (absl::IsPermissionDenied(result.status()) && may_skip) {
      permitted_ = false;
    } else {
      ADD_FAILURE() << result.status();
    }
    return {};
  }
#define SKIP_IF_NOT_PERMITTED() \
  if (!permitted_) GTEST_SKIP() << "this host permits no namespaces or no ptrace"

  rootfs::Root root_;
  bool permitted_ = true;
};

// Numbers of a task's calls, in order.
std::vector<uint64_t> Numbers(const trace::TaskTrace& task) {
  std::vector<uint64_t> numbers;
  for (const trace::Call& call : task.calls) numbers.push_back(call.number);
  return numbers;
}

bool Made(const trace::TaskTrace& task, uint64_t number) {
  const std::vector<uint64_t> numbers = Numbers(task);
  return std::find(numbers.begin(), numbers.end(), number) != numbers.end();
}

TEST_F(NativeTest, StreamsAndStatus) {
  NativeOptions options = Shell("cat; echo problem >&2; exit 7");
  options.input = std::string(300'000, 'x');
  const NativeResult result = Run(options);
  SKIP_IF_NOT_PERMITTED();
  EXPECT_EQ(result.out.bytes, options.input);
  EXPECT_EQ(result.err.bytes, "problem\n");
  EXPECT_EQ(result.wait_status, W_EXITCODE(7, 0));
  EXPECT_FALSE(result.timed_out);
}

TEST_F(NativeTest, NobodyHasToReadTheInput) {
  NativeOptions options = Shell("exit 0");
  options.input = std::string(300'000, 'x');
  EXPECT_EQ(Run(options).wait_status, 0);
  SKIP_IF_NOT_PERMITTED();
}

TEST_F(NativeTest, NoPlaceForADirectoryIsAnError) {
  const char* former = std::getenv("TMPDIR");
  const std::string before = former == nullptr ? "/tmp" : former;
  ASSERT_EQ(setenv("TMPDIR", "/no/such/place", 1), 0);
  NativeOptions options = Shell("exit 0");
  options.root = Root::kHost;
  options.user = User::kCaller;
  EXPECT_TRUE(absl::IsUnavailable(RunNative(options).status()));
  ASSERT_EQ(setenv("TMPDIR", before.c_str(), 1), 0);
}

TEST_F(NativeTest, RootOfItsOwn) {
  const NativeResult result =
      Run(Shell("echo $$ $PPID; hostname; id -u; ls /; echo mine >/tmp/fv_native_test"));
  SKIP_IF_NOT_PERMITTED();
  EXPECT_EQ(result.out.bytes, "2 1\nforkvisor\n0\nbin\ndev\netc\nproc\nroot\nsys\ntmp\nusr\nvar\n");
  EXPECT_EQ(result.err.bytes, "");
  EXPECT_FALSE(fs::exists("/tmp/fv_native_test"));
}

TEST_F(NativeTest, RootOfANamespaceHasNoRightsOutside) {
  if (!testing::UserNamespacesExist()) return;  // as root the program has those rights
  const NativeResult result =
      Run(Shell("echo x 2>/dev/null >/proc/sys/kernel/core_pattern || echo refused;"
                "mknod /tmp/device b 8 0 2>/dev/null || echo refused"));
  SKIP_IF_NOT_PERMITTED();
  EXPECT_EQ(result.out.bytes, "refused\nrefused\n");
}

TEST_F(NativeTest, RootChangesNoDeviceFileOfTheHost) {
  if (geteuid() != 0) return;
  struct stat before {};
  struct stat after {};
  ASSERT_EQ(stat("/dev/full", &before), 0);
  NativeOptions options = Shell("chmod 644 /dev/full; stat -c %a /dev/full; echo >/dev/null");
  options.user = User::kCaller;
  const NativeResult result = Run(options);
  SKIP_IF_NOT_PERMITTED();
  EXPECT_EQ(result.out.bytes, "644\n");
  ASSERT_EQ(stat("/dev/full", &after), 0);
  EXPECT_EQ(after.st_mode, before.st_mode);
  (void)chmod("/dev/full", before.st_mode & 07777);
}

// Rights that nobody asked for are not given: the program does not start.
TEST_F(NativeTest, InAChrootNobodyHasAUserNamespace) {
  if (geteuid() != 0) return;  // who may not chroot(2)
  const fs::path directory = fs::path(::testing::TempDir()) / "fv_native_chroot";
  fs::create_directories(directory);
  NativeOptions options = Shell("exit 0");
  options.user = User::kNamespace;
  const auto refused = [&] {
    if (chroot(directory.c_str()) != 0 || chdir("/") != 0) return false;
    const absl::Status status = RunNative(options).status();
    std::cerr << status;
    return absl::IsPermissionDenied(status);
  };
  EXPECT_EXIT(_exit(refused() ? 0 : 1), ::testing::ExitedWithCode(0), "--native_user=caller");
}

// Who runs tests may be nice and deaf.
TEST_F(NativeTest, NothingOfTheCallersWaysReachesTheProgram) {
  const int niceness = geteuid() == 0 ? 3 : 0;  // others could not go back
  const mode_t mask = umask(077);
  EXPECT_EQ(setpriority(PRIO_PROCESS, 0, niceness), 0);
  const auto hears = signal(SIGCHLD, SIG_IGN);
  const NativeResult result =
      Run(Shell("umask; cut -d' ' -f19 /proc/self/stat; true & wait $!; echo $?"));
  signal(SIGCHLD, hears);
  EXPECT_EQ(setpriority(PRIO_PROCESS, 0, 0), 0);
  umask(mask);
  SKIP_IF_NOT_PERMITTED();
  EXPECT_FALSE(result.timed_out);
  EXPECT_EQ(result.out.bytes, "0022\n0\n0\n");
}

TEST_F(NativeTest, KilledBySignal) {
  const NativeResult result = Run(Shell("kill -TERM $$"));
  SKIP_IF_NOT_PERMITTED();
  EXPECT_EQ(result.wait_status, SIGTERM);
}

TEST_F(NativeTest, TheBackgroundEndsWithTheProgram) {
  // The outputs stay open in the background: without a kill this would wait for it.
  const NativeResult result = Run(Shell("sleep 1000 & echo done"));
  SKIP_IF_NOT_PERMITTED();
  EXPECT_EQ(result.out.bytes, "done\n");
  EXPECT_FALSE(result.timed_out);
}

TEST_F(NativeTest, TimeIsOver) {
  for (const Calls calls : {Calls::kIgnore, Calls::kRecord}) {
    NativeOptions options = Shell("echo first; trap '' TERM INT; (sleep 1000) & sleep 1000");
    options.calls = calls;
    options.timeout_ns = 1'000'000'000;
    const NativeResult result = Run(options);
    SKIP_IF_NOT_PERMITTED();
    EXPECT_TRUE(result.timed_out);
  }
}

TEST_F(NativeTest, ProgramThatCannotRun) {
  NativeOptions options = Shell("");
  options.path = "/bin/no_such_program";
  const absl::StatusOr<NativeResult> result = RunNative(options);
  if (absl::IsPermissionDenied(result.status())) GTEST_SKIP() << result.status();
  EXPECT_TRUE(absl::IsNotFound(result.status())) << result.status();
}

TEST_F(NativeTest, OnTheHostsRoot) {
  const fs::path here = fs::current_path();
  NativeOptions options = Shell("pwd; echo x >file; (setsid sleep 1000 &) ; sleep 1000 & echo $!");
  options.root = Root::kHost;
  options.user = User::kCaller;
  const NativeResult result = Run(options);
  ASSERT_FALSE(result.timed_out);
  const std::string directory = result.out.bytes.substr(0, result.out.bytes.find('\n'));
  EXPECT_NE(directory, here.string());
  EXPECT_FALSE(fs::exists(directory)) << directory;
  const pid_t background = std::stoi(result.out.bytes.substr(directory.size() + 1));
  EXPECT_FALSE(fs::exists("/proc/" + std::to_string(background)));
}

TEST_F(NativeTest, RecordsCallsOfChildren) {
  NativeOptions options = Shell("(exit 3); cat /etc/passwd >/dev/null; exit 0");
  options.calls = Calls::kRecord;
  const NativeResult result = Run(options);
  SKIP_IF_NOT_PERMITTED();
  ASSERT_EQ(result.trace.tasks.size(), 3u);
  EXPECT_FALSE(result.trace.truncated);
  for (const trace::TaskTrace& task : result.trace.tasks) {
    EXPECT_TRUE(task.ended);
    ASSERT_FALSE(task.calls.empty());
    EXPECT_EQ(task.calls.back().number, static_cast<uint64_t>(SYS_exit_group));
  }
  EXPECT_EQ(result.trace.tasks[1].calls.back().arguments[0], 3u);
  EXPECT_EQ(result.trace.tasks[1].pid, 3u);
  const trace::TaskTrace& cat = result.trace.tasks[2];
  EXPECT_TRUE(Made(cat, SYS_execve));
  const auto opened = std::find_if(cat.calls.begin(), cat.calls.end(), [](const auto& call) {
    return call.paths == std::vector<std::string>{"/etc/passwd"};
  });
  ASSERT_NE(opened, cat.calls.end());
  EXPECT_EQ(opened->result, 3);
}

TEST_F(NativeTest, SignalsReachATracedProgram) {
  NativeOptions options = Shell("trap 'echo caught' USR1; kill -USR1 $$; echo on; kill -SEGV $$");
  options.calls = Calls::kRecord;
  const NativeResult result = Run(options);
  SKIP_IF_NOT_PERMITTED();
  EXPECT_EQ(result.out.bytes, "caught\non\n");
  EXPECT_EQ(WTERMSIG(result.wait_status), SIGSEGV);
  EXPECT_TRUE(Made(result.trace.tasks[0], SYS_rt_sigreturn));
}

TEST_F(NativeTest, StoppedProcessesStayStoppedUntilContinued) {
  // Again and again: /proc shows no difference between a stop and a tracer's look at a call.
  NativeOptions options = Shell(
      "p=$$; (until [ -e gone_on ]; do kill -CONT $p; done) &"
      "kill -STOP $$; : >gone_on; echo on");
  options.calls = Calls::kRecord;
  const NativeResult result = Run(options);
  SKIP_IF_NOT_PERMITTED();
  EXPECT_FALSE(result.timed_out);
  EXPECT_EQ(result.out.bytes, "on\n");
}

TEST_F(NativeTest, ReadsAreMarkedByWhatTheyReadFrom) {
  NativeOptions options = Shell("read a </proc/uptime; read a </etc/passwd; read a");
  options.calls = Calls::kRecord;
  options.input = "a line\n";
  const NativeResult result = Run(options);
  SKIP_IF_NOT_PERMITTED();
  std::vector<trace::Call::Source> sources;
  for (const trace::Call& call : result.trace.tasks[0].calls) {
    if (call.number != SYS_read) continue;
    if (sources.empty() || sources.back() != call.source) sources.push_back(call.source);
  }
  using Source = trace::Call::Source;
  EXPECT_EQ(sources, (std::vector<Source>{Source::kKernelFile, Source::kOther, Source::kStream}));
}

TEST(UserNamespaceRefused, RootIsToldWhatToAskFor) {
  const absl::Status root = UserNamespaceRefused(0, EPERM);
  EXPECT_TRUE(absl::IsPermissionDenied(root));
  EXPECT_NE(root.message().find("--native_user=caller"), root.message().npos) << root;
  // Whose rights are no more than the program would have anyway.
  const absl::Status other = UserNamespaceRefused(1000, EPERM);
  EXPECT_TRUE(absl::IsPermissionDenied(other));
  EXPECT_EQ(other.message().find("--native_user"), other.message().npos) << other;
  EXPECT_TRUE(absl::IsPermissionDenied(UserNamespaceRefused(0, ENOSPC)));  // a limit of none
  EXPECT_FALSE(absl::IsPermissionDenied(UserNamespaceRefused(0, ENOMEM)));
}

}  // namespace
}  // namespace fv::native
