// SPDX-License-Identifier: Apache-2.0
//
// A program that answers requests, and what one that is not trusted may not do. Programs are
// busybox's shell.
#include "src/native/service.h"

#include <gtest/gtest.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <chrono>
#include <filesystem>
#include <string>
#include <vector>

#include "src/native/testing/user_namespaces.h"
#include "src/rootfs/root.h"

namespace fv::native {
namespace {

constexpr char kBusybox[] = "/bin/busybox";
constexpr uint32_t kCallsOfLinux = 512;
constexpr int kKilledByFilter = 128 + SIGSYS;  // as a shell tells it

class ServiceTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!std::filesystem::exists(kBusybox)) GTEST_SKIP() << kBusybox << " is missing";
    absl::StatusOr<rootfs::Root> root = rootfs::BuildRoot({.program = kBusybox});
    ASSERT_TRUE(root.ok()) << root.status();
    root_ = *std::move(root);
    options_.tree = &root_.tree;
    options_.tree_limit_bytes = 64 << 20;
    options_.path = kBusybox;
    options_.environment = {"PATH=/bin"};
    options_.cwd = "/tmp";
    options_.timeout_ns = 60'000'000'000;
    options_.user = testing::UserForTests();
    const NativeOptions options = Shell("exit 0");
    const absl::Status status = RunNative(options).status();
    if (absl::IsPermissionDenied(status)) GTEST_SKIP() << status;
  }

  NativeOptions Shell(const std::string& script) const {
    NativeOptions options = options_;
    options.argv = {kBusybox, "sh", "-c", script};
    return options;
  }

  static Launch::Clock::time_point Soon() {
    return Launch::Clock::now() + std::chrono::seconds(60);
  }

  rootfs::Root root_;
  NativeOptions options_;
};

std::vector<uint32_t> AllBut(uint32_t without) {
  std::vector<uint32_t> calls;
  for (uint32_t call = 0; call < kCallsOfLinux; ++call) {
    if (call != without) calls.push_back(call);
  }
  return calls;
}

TEST_F(ServiceTest, AnswersOneRequestAfterTheOther) {
  const NativeOptions options = Shell("while read line; do echo \"<$line>\"; done");
  absl::StatusOr<std::unique_ptr<Service>> service = Service::Start(options);
  ASSERT_TRUE(service.ok()) << service.status();
  for (const std::string word : {"one", "two", "six"}) {
    ASSERT_TRUE((*service)->Send(word + "\n", Soon()).ok());
    std::string answer(6, '\0');
    ASSERT_TRUE((*service)->Receive(answer.data(), answer.size(), Soon()).ok());
    EXPECT_EQ(answer, "<" + word + ">\n");
  }
}

TEST_F(ServiceTest, SaysThatTheProgramHasEnded) {
  const NativeOptions options = Shell("read line; exit 1");
  absl::StatusOr<std::unique_ptr<Service>> service = Service::Start(options);
  ASSERT_TRUE(service.ok()) << service.status();
  ASSERT_TRUE((*service)->Send("go\n", Soon()).ok());
  char byte;
  EXPECT_TRUE(absl::IsUnavailable((*service)->Receive(&byte, 1, Soon())));
}

TEST_F(ServiceTest, DoesNotWaitForEver) {
  const NativeOptions options = Shell("read line; read line");
  absl::StatusOr<std::unique_ptr<Service>> service = Service::Start(options);
  ASSERT_TRUE(service.ok()) << service.status();
  ASSERT_TRUE((*service)->Send("go\n", Soon()).ok());
  char byte;
  const auto now = Launch::Clock::now();
  EXPECT_TRUE(absl::IsDeadlineExceeded((*service)->Receive(&byte, 1, now)));
}

TEST_F(ServiceTest, ACallThatIsNotAllowedKills) {
  NativeOptions options = Shell("mkdir directory; echo $?; echo still here");
  options.allowed_calls = AllBut(SYS_mkdir);
  const absl::StatusOr<NativeResult> result = RunNative(options);
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_EQ(result->out.bytes, std::to_string(kKilledByFilter) + "\nstill here\n");
}

// With the calls of the filter all the same, and rights over them.
TEST_F(ServiceTest, NoFurtherNamespaces) {
  NativeOptions options = Shell("unshare -m true; echo $?; unshare -u true; echo $?");
  options.allowed_calls = AllBut(kCallsOfLinux);
  const absl::StatusOr<NativeResult> result = RunNative(options);
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_EQ(result->out.bytes, std::to_string(kKilledByFilter) + "\n0\n");
}

TEST_F(ServiceTest, LimitsHold) {
  NativeOptions options = Shell("ulimit -v; ulimit -f");
  options.address_limit_bytes = uint64_t{1} << 30;
  options.file_limit_bytes = uint64_t{64} << 20;
  const absl::StatusOr<NativeResult> result = RunNative(options);
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_EQ(result->out.bytes, "1048576\n131072\n");  // KiB, and blocks of 512 bytes
}

}  // namespace
}  // namespace fv::native
