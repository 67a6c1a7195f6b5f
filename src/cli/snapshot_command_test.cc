// SPDX-License-Identifier: Apache-2.0
//
// forkvisor snapshot, and --from of run and check.
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

#include "src/cli/testing/shell.h"
#include "vmm/testing/require_kvm.h"

namespace fv::cli {
namespace {

std::string program;    // the command
std::string guest_one;  // random_tree

using testing::Outcome;

Outcome Shell(const std::string& command) {
  return testing::RunShell("timeout 60 sh -c '" + command + "' 2>&1");
}

class SnapshotCommandTest : public vmm::testing::KvmTest {
 protected:
  void SetUp() override {
    KvmTest::SetUp();
    const char* directory = std::getenv("TEST_TMPDIR");
    file_ = std::string(directory == nullptr ? "/tmp" : directory) + "/snapshot_command_test." +
            std::to_string(getpid());
  }
  void TearDown() override { std::filesystem::remove(file_); }

  Outcome Take(const std::string& flags) {
    return Shell(program + " snapshot --mem=32M --out=" + file_ + " " + flags + " " + guest_one);
  }
  Outcome Go(const std::string& input, const std::string& verb_and_flags) {
    return Shell("echo " + input + " | " + program + " " + verb_and_flags + " --from=" + file_);
  }

  std::string file_;
};

TEST_F(SnapshotCommandTest, GoesOnFromAMarkWithOtherInput) {
  const Outcome taken = Take("--at=mark:1");
  ASSERT_EQ(taken.status, 0) << taken.text;
  for (const char* seed : {"1", "5"}) {
    const Outcome natively = Shell("echo " + std::string(seed) + " | " + guest_one);
    const Outcome run = Go(seed, "run");
    EXPECT_EQ(run.status, 0) << run.text;
    EXPECT_EQ(run.text, natively.text);
  }
  const Outcome repeated = Go("1", "run --repeat=5 --prove_reset=every");
  EXPECT_EQ(repeated.status, 0) << repeated.text;
  EXPECT_NE(repeated.text.find("5 proved exact"), std::string::npos) << repeated.text;
  const Outcome checked = Go("1", "check");
  EXPECT_EQ(checked.status, 0) << checked.text;
  EXPECT_NE(checked.text.find("I1  held"), std::string::npos) << checked.text;
}

TEST_F(SnapshotCommandTest, EveryMomentCanBeNamed) {
  for (const char* at : {"start", "fork", "syscall:munmap", "exit", "time:0"}) {
    const Outcome taken = Take("--at=" + std::string(at));
    EXPECT_EQ(taken.status, 0) << at << ": " << taken.text;
    const Outcome run = Go("1", "run");
    EXPECT_EQ(run.status, 0) << at << ": " << run.text;
  }
}

TEST_F(SnapshotCommandTest, SaysWhatIsWrong) {
  EXPECT_EQ(Take("--at=never").status, 2);
  EXPECT_EQ(Take("--at=mark:77").status, 2);
  EXPECT_FALSE(std::filesystem::exists(file_));
  EXPECT_EQ(Shell(program + " snapshot " + guest_one).status, 2);
  const Outcome missing = Go("1", "run");
  EXPECT_EQ(missing.status, 2);
  EXPECT_NE(missing.text.find("No such file"), std::string::npos) << missing.text;
  std::ofstream(file_) << "no snapshot at all";
  EXPECT_EQ(Go("1", "run").status, 2);
  EXPECT_EQ(Shell(program + " run --from=" + file_ + " " + guest_one).status, 2);
  EXPECT_EQ(Shell(program + " run --repeat=3 " + guest_one).status, 2);
  EXPECT_EQ(Shell(program + " run --from=" + file_ + " --host=qemu").status, 2);
}

}  // namespace
}  // namespace fv::cli

int main(int argc, char** argv) {
  ::testing::InitGoogleTest(&argc, argv);
  if (argc != 3) return 2;
  fv::cli::program = std::filesystem::absolute(argv[1]).string();
  fv::cli::guest_one = std::filesystem::absolute(argv[2]).string();
  return RUN_ALL_TESTS();
}
