// SPDX-License-Identifier: Apache-2.0
//
// Programs that once showed a fault, and some that are there for their shape, in a guest with every
// step checked, and on this Linux, unless it is older than what the guest follows: nothing is
// found.
#include <gtest/gtest.h>
#include <unistd.h>

#include <csignal>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>

#include "src/cli/guest_kernel.h"
#include "src/fuzz/executor_program.h"
#include "src/fuzz/judge.h"
#include "src/fuzz/text.h"
#include "src/native/testing/host_linux.h"
#include "src/native/testing/user_namespaces.h"
#include "vmm/testing/require_kvm.h"

namespace fv::tests {
namespace {

std::vector<std::string> files;

class FuzzCorpus : public vmm::testing::KvmTest {};

fuzz::JudgeOptions Options() {
  fuzz::JudgeOptions options;
  options.guest = {.kernel_image = embedded::GuestKernel(),
                   .executor = embedded::FuzzExecutor(),
                   .check = oracle::CheckMode::kEvery};
  options.differential = !native::testing::HostLinuxIsOlder();
  options.native_user = native::testing::UserForTests();
  return options;
}

TEST_F(FuzzCorpus, ShowsNothing) {
  const fuzz::JudgeOptions options = Options();
  absl::StatusOr<std::unique_ptr<fuzz::Judge>> judge = fuzz::Judge::Make(options);
  ASSERT_TRUE(judge.ok()) << judge.status();
  ASSERT_FALSE(files.empty());
  for (const std::string& file : files) {
    std::ifstream in(file);
    const std::string text{std::istreambuf_iterator<char>(in), {}};
    const absl::StatusOr<fuzz::Program> program = fuzz::ParseText(text);
    ASSERT_TRUE(program.ok()) << file << ": " << program.status();
    const absl::StatusOr<fuzz::Verdict> verdict = (*judge)->Try(*program);
    ASSERT_TRUE(verdict.ok()) << file << ": " << verdict.status();
    EXPECT_FALSE(verdict->finding) << file << ": " << verdict->finding->Key() << "\n"
                                   << verdict->finding->detail;
    if (!options.differential) continue;
    ASSERT_TRUE(verdict->native.has_value()) << file;
    EXPECT_EQ(verdict->native->cut, FV_FUZZ_WHOLE) << file << ": no program to keep, it never ends";
  }
  if (!options.differential) {
    GTEST_SKIP() << "in the guest alone: this Linux is older than the one that the guest follows";
  }
}

class Stopper : public fuzz::RunObserver {
  void OnEvent(const proto::EventRecord&) override { raise(SIGTERM); }
};

TEST_F(FuzzCorpus, WhatASignalEndsIsNoFinding) {
  absl::StatusOr<std::unique_ptr<fuzz::Judge>> judge = fuzz::Judge::Make(Options());
  ASSERT_TRUE(judge.ok()) << judge.status();
  const absl::StatusOr<fuzz::Program> program =
      fuzz::ParseText("tasks { calls { name: \"fork\" arguments { task: 1 } } } tasks { }");
  ASSERT_TRUE(program.ok()) << program.status();
  Stopper stopper;
  EXPECT_TRUE(absl::IsCancelled((*judge)->Try(*program, &stopper).status()));
}

}  // namespace
}  // namespace fv::tests

int main(int argc, char** argv) {
  ::testing::InitGoogleTest(&argc, argv);
  fv::tests::files.assign(argv + 1, argv + argc);
  (void)!nice(1);  // what programs give does not depend on the fuzzer's own
  return RUN_ALL_TESTS();
}
