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

TEST_F(SnapshotCommandTest, CanBeLookedAtWithoutKvm) {
  ASSERT_EQ(Take("--at=mark:1").status, 0);
  const Outcome tasks = Shell(program + " inspect --kvm_device=/nowhere --from=" + file_ + " ps");
  EXPECT_EQ(tasks.status, 0) << tasks.text;
  EXPECT_NE(tasks.text.find("random_tree"), std::string::npos) << tasks.text;
  EXPECT_EQ(Shell(program + " inspect --memory=" + file_ + " ps").text, tasks.text);
  // Its memory alone says the same.
  const std::string memory = file_ + ".memory";
  EXPECT_EQ(Shell(program + " inspect --from=" + file_ + " save " + memory).status, 0);
  EXPECT_EQ(Shell(program + " inspect --memory=" + memory + " ps").text, tasks.text);
  std::filesystem::remove(memory);
  // And its program goes on to a moment.
  const Outcome later =
      Shell("echo 1 | " + program + " inspect --from=" + file_ + " --at=fork-end:1 ps");
  EXPECT_EQ(later.status, 0) << later.text;
  EXPECT_NE(later.text, tasks.text);
}

TEST_F(SnapshotCommandTest, ItsCostsAreMeasured) {
  ASSERT_EQ(Take("--at=mark:1").status, 0);
  const Outcome costs = Go("1", "bench --repetitions=3");
  EXPECT_EQ(costs.status, 0) << costs.text;
  EXPECT_NE(costs.text.find("3 resets, 0 differences"), std::string::npos) << costs.text;
  EXPECT_NE(Go("1", "bench --repetitions=2 --format=json").text.find("\"differences\": 0"),
            std::string::npos);
}

TEST_F(SnapshotCommandTest, CampaignsStartFromOne) {
  const std::string corpus = file_ + ".corpus";
  const std::string fuzz =
      program + " fuzz --time=0 --programs=20 --jobs=2 --prove_reset=every --corpus=" + corpus +
      " --from=" + file_;
  for (int campaign = 0; campaign < 2; ++campaign) {  // the first makes the file
    const Outcome run = Shell(fuzz);
    EXPECT_EQ(run.status, 0) << run.text;
    EXPECT_NE(run.text.find("findings  0"), std::string::npos) << run.text;
    EXPECT_TRUE(std::filesystem::exists(file_));
  }
  const Outcome other = Shell(fuzz + " --strategy=eager");
  EXPECT_EQ(other.status, 2) << other.text;
  ASSERT_EQ(Take("--at=mark:1").status, 0);
  EXPECT_EQ(Shell(fuzz).status, 2);
  std::filesystem::remove_all(corpus);
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
