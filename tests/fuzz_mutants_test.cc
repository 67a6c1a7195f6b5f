// SPDX-License-Identifier: Apache-2.0
//
// The fuzzer's own test: with a bug planted in the kernel (proto/mutants.h), of which it knows
// nothing, a short campaign finds it, minimises it, and the finding can be replayed. Findings of
// one bug have one key, of different bugs different ones.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "proto/mutants.h"
#include "src/fuzz/campaign.h"
#include "src/fuzz/executor_program.h"
#include "src/fuzz/text.h"
#include "vmm/testing/require_kvm.h"

namespace fv::tests {
namespace {

namespace fs = std::filesystem;
using ::testing::Each;
using ::testing::EndsWith;
using ::testing::SizeIs;
using ::testing::StartsWith;

using proto::Mutant;

std::string kernel;

class FuzzMutants : public vmm::testing::KvmTest {
 protected:
  static fuzz::JudgeOptions Options(Mutant mutant, oracle::CheckMode check) {
    fuzz::JudgeOptions options;
    options.guest = {
        .kernel_image = {reinterpret_cast<const uint8_t*>(kernel.data()), kernel.size()},
        .executor = embedded::FuzzExecutor(),
        .check = check,
        .mutant = static_cast<uint32_t>(mutant)};
    options.guest.reset = fuzz::ResetKind::kSnapshot;
    return options;
  }
  // What is found with `mutant`, by program; without a finding "".
  static std::vector<std::string> KeysOf(Mutant mutant, const std::vector<std::string>& programs,
                                         oracle::CheckMode check = oracle::CheckMode::kEvery) {
    absl::StatusOr<std::unique_ptr<fuzz::Judge>> judge = fuzz::Judge::Make(Options(mutant, check));
    EXPECT_TRUE(judge.ok()) << judge.status();
    std::vector<std::string> keys;
    for (const std::string& text : programs) {
      const absl::StatusOr<fuzz::Program> program = fuzz::ParseText(text);
      EXPECT_TRUE(program.ok()) << text << program.status();
      const absl::StatusOr<fuzz::Verdict> verdict = (*judge)->Try(*program);
      EXPECT_TRUE(verdict.ok()) << verdict.status();
      keys.push_back(verdict->finding ? verdict->finding->Key() : "");
    }
    return keys;
  }
};

// A call of a program's text form; numbers, and "pageN" for the address of a page of the arena.
std::string Call(const std::string& name, const std::vector<std::string>& arguments) {
  std::string text = "  calls { name: \"" + name + "\"";
  for (const std::string& argument : arguments) {
    if (argument.rfind("page", 0) == 0) {
      text += " arguments { arena { page: " + argument.substr(4) + " } }";
    } else if (argument.rfind("task", 0) == 0) {
      text += " arguments { task: " + argument.substr(4) + " }";
    } else if (argument.rfind("value", 0) == 0) {
      text += " arguments { value: " + argument.substr(5) + " }";
    } else {
      text += " arguments { flags: \"" + argument + "\" }";
    }
  }
  return text + " }\n";
}
std::string Store(int page) { return Call("store", {"page" + std::to_string(page), "value1"}); }
std::string Unmap(int page, int pages) {
  return Call("munmap", {"page" + std::to_string(page), "value" + std::to_string(pages * 4096)});
}
std::string Task(const std::string& calls) { return "tasks {\n" + calls + "}\n"; }

TEST_F(FuzzMutants, EntriesLeftByMunmapAreFound) {
  fuzz::CampaignOptions options;
  options.judge = Options(Mutant::kUnmapKeepsEntries, oracle::CheckMode::kEvery);
  options.directory = ::testing::TempDir() + "/fuzz_mutants";
  fs::remove_all(options.directory);
  options.seconds = 0;
  options.programs = 200;
  const absl::StatusOr<fuzz::CampaignState> state = RunCampaign(options, [](const auto&) {});
  ASSERT_TRUE(state.ok()) << state.status();
  EXPECT_GT(state->found, 0u);
  EXPECT_GT(state->features, 0u);
  size_t shown = 0;
  for (const auto& entry : fs::directory_iterator(options.directory + "/findings")) {
    std::ifstream in(entry.path());
    const std::string text{std::istreambuf_iterator<char>(in), {}};
    const absl::StatusOr<fuzz::Program> program = fuzz::ParseText(text);
    ASSERT_TRUE(program.ok()) << text;
    EXPECT_EQ(text.rfind("# oracle: I", 0), 0u) << text;
    absl::StatusOr<std::unique_ptr<fuzz::Judge>> judge = fuzz::Judge::Make(options.judge);
    ASSERT_TRUE(judge.ok()) << judge.status();
    const absl::StatusOr<fuzz::Verdict> verdict = (*judge)->Try(*program);
    ASSERT_TRUE(verdict.ok()) << verdict.status();
    EXPECT_TRUE(verdict->finding) << text;
    ++shown;
  }
  EXPECT_EQ(shown, state->found);
}

// What a fork has to undo, at whichever step it fails.
TEST_F(FuzzMutants, AForkOfWhichEachAllocationFailsShowsWhatIsLeft) {
  const std::string each = Call("fail", {"each"});
  const std::string child = Task("");
  const std::vector<std::string> forks = {Task(each + Call("fork", {"task1"})) + child};
  for (const Mutant mutant : {Mutant::kFailKeepsTask, Mutant::kFailKeepsPid, Mutant::kFailKeepsMm,
                              Mutant::kFailKeepsSignals, Mutant::kFailKeepsStack,
                              Mutant::kFailKeepsRecord, Mutant::kFailKeepsRoot}) {
    EXPECT_THAT(KeysOf(mutant, forks)[0], EndsWith(" in CopyProcess"));
  }
  // Descriptors of two parts of their table.
  const std::vector<std::string> far = {Task(Call("eventfd2", {"0", "0"}) +
                                             Call("fcntl", {"0", "F_DUPFD", "70"}) + each +
                                             Call("fork", {"task1"})) +
                                        child};
  EXPECT_THAT(KeysOf(Mutant::kFailKeepsTable, far)[0], EndsWith(" in CopyProcess"));
  EXPECT_THAT(KeysOf(Mutant::kFailKeepsFiles, far)[0], EndsWith(" in CopyProcess"));
  const std::vector<std::string> nowhere = {
      Task(Unmap(4, 1) + Call("clone_at", {"task1", "CLONE_PIDFD", "SIGCHLD", "page4"})) + child};
  EXPECT_THAT(KeysOf(Mutant::kPidfdLeft, nowhere)[0], StartsWith("oracle: I18 "));
  EXPECT_THAT(KeysOf(Mutant::kNone, {forks[0], far[0], nowhere[0]}), Each(""));
}

TEST_F(FuzzMutants, TwoBugsOfOneRuleInDifferentCallsAreTwoFindings) {
  const std::string child = Task(Store(1));
  const std::string forks = Task(Store(0) + Call("fork", {"task1"})) + child;
  const std::string unmaps = Task(Store(0) + Unmap(0, 1));
  const std::string protects =
      Task(Store(0) + Call("mprotect", {"page0", "value4096", "PROT_READ"}));
  const std::vector<std::string> keys = {KeysOf(Mutant::kForkSkipsFlush, {forks})[0],
                                         KeysOf(Mutant::kUnmapSkipsFlush, {unmaps})[0],
                                         KeysOf(Mutant::kProtectSkipsFlush, {protects})[0]};
  for (const std::string& key : keys) EXPECT_THAT(key, StartsWith("oracle: I7 NoFlush in "));
  EXPECT_THAT(std::set<std::string>(keys.begin(), keys.end()), SizeIs(3));
}

TEST_F(FuzzMutants, OneBugFoundByManyProgramsIsOneFinding) {
  const std::string child = Task(Store(1));
  const std::string map = Call("mmap", {"page12", "value8192", "PROT_READ|PROT_WRITE",
                                        "MAP_PRIVATE|MAP_ANONYMOUS|MAP_FIXED", "-1", "0"});
  const std::vector<std::string> programs = {
      Task(Store(0) + Unmap(0, 1)),
      Task(Store(1) + Store(2) + Unmap(1, 2)),
      Task(Store(30) + Unmap(30, 4)),
      Task(Store(0) + Call("fork", {"task1"}) + Store(2) + Unmap(2, 1)) + child,
      Task(Call("fork", {"task1"})) + Task(Store(3) + Unmap(3, 1)),
      Task(Call("vfork", {"task1"})) + Task(Store(31) + Unmap(31, 1)),
      Task(map + Store(12) + Unmap(12, 2)),
      Task(map + Store(13) + Unmap(12, 2) + map),
      Task(Store(0) + Call("mprotect", {"page0", "value4096", "PROT_READ"}) + Unmap(0, 1)),
      Task(Store(31) + Call("setsid", {}) + Unmap(31, 1)),
      Task(Store(31) + Call("setresuid", {"0", "1000", "0"}) + Unmap(31, 1)),
      Task(Store(7) + Call("fork", {"task1"}) + Call("execve", {"self"})) +
          Task(Store(7) + Unmap(7, 1)),
  };
  const auto expect_one = [&](Mutant mutant, oracle::CheckMode check, const std::string& begin) {
    const std::vector<std::string> keys = KeysOf(mutant, programs, check);
    EXPECT_THAT(std::set<std::string>(keys.begin(), keys.end()), SizeIs(1))
        << ::testing::PrintToString(keys);
    EXPECT_THAT(keys[0], StartsWith(begin));
  };
  expect_one(Mutant::kUnmapKeepsEntries, oracle::CheckMode::kEvery, "oracle: I5 ForeignFrame in ");
  expect_one(Mutant::kCommitDrift, oracle::CheckMode::kEvery, "oracle: I13 Committed in ");
  // Found at the end, looked at step by step.
  expect_one(Mutant::kCommitDrift, oracle::CheckMode::kEnd, "oracle: I13 Committed in ");
}

}  // namespace
}  // namespace fv::tests

int main(int argc, char** argv) {
  ::testing::InitGoogleTest(&argc, argv);
  std::ifstream in(argv[1], std::ios::binary);
  fv::tests::kernel.assign(std::istreambuf_iterator<char>(in), {});
  return RUN_ALL_TESTS();
}
