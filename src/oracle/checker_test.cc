// SPDX-License-Identifier: Apache-2.0
//
// When the checker looks, and what it needs for that: modes, the first and the last safepoint, the
// model's story from its beginning.
#include "src/oracle/checker.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <optional>
#include <string>
#include <vector>

#include "src/oracle/testing/sample_guest.h"

namespace fv::oracle {
namespace {

using proto::SafepointKind;
using testing::GuestBuilder;
using testing::GuestPtr;

TEST(FinalTest, I11OpenFileLeftBehind) {
  GuestBuilder guest(uint64_t{32} << 20);
  Checker checker(guest.memory(), guest.channel(), {});
  EXPECT_TRUE(checker.OnSafepoint(SafepointKind::kBoot, guest.dirty()).empty());
  guest.AddFile();
  const std::vector<Finding> findings = checker.OnSafepoint(SafepointKind::kFinal, guest.dirty());
  EXPECT_TRUE(std::any_of(findings.begin(), findings.end(), [](const Finding& finding) {
    return finding.rule == Rule::kLeftBehind &&
           finding.sentence.find(" open files") != std::string::npos;
  }));
}

TEST(FinalTest, I11NothingLeftBehind) {
  GuestBuilder guest(uint64_t{32} << 20);
  Checker checker(guest.memory(), guest.channel(), {});
  EXPECT_TRUE(checker.OnSafepoint(SafepointKind::kBoot, guest.dirty()).empty());
  const GuestPtr mm = guest.AddMm();
  const GuestPtr task = guest.AddTask(2, guest.init_task(), mm);
  EXPECT_TRUE(checker.OnSafepoint(SafepointKind::kSyscall, guest.dirty()).empty());
  guest.RemoveTask(task);
  for (const proto::EventRecord& event : guest.TakeEvents()) {
    checker.OnEvent(event);
  }
  EXPECT_TRUE(checker.OnSafepoint(SafepointKind::kFinal, guest.dirty()).empty());
  guest.Frame(guest.AllocateFrame(proto::FrameState::kAnon)).pins = 1;
  const std::vector<Finding> findings = checker.OnSafepoint(SafepointKind::kFinal, guest.dirty());
  ASSERT_EQ(findings.size(), 1u);
  EXPECT_EQ(findings[0].rule, Rule::kLeftBehind);
  EXPECT_EQ(checker.stats().checked, 4u);
}

TEST(CheckModeTest, EndLooksOnceAndOffNever) {
  testing::SampleGuest sample;
  CheckerOptions options;
  options.mode = CheckMode::kOff;
  EXPECT_FALSE(Checker(sample.guest.memory(), sample.guest.channel(), options)
                   .WantsSafepoint(SafepointKind::kFinal));
  options.mode = CheckMode::kEnd;
  Checker checker(sample.guest.memory(), sample.guest.channel(), options);
  sample.guest.header().free_frames += 1;
  EXPECT_FALSE(checker.WantsSafepoint(SafepointKind::kSyscall));
  EXPECT_TRUE(checker.OnSafepoint(SafepointKind::kSyscall, {}).empty());
  EXPECT_EQ(checker.OnSafepoint(SafepointKind::kFinal, {}).size(), 1u);
  EXPECT_EQ(ParseCheckMode("sampled"), CheckMode::kSampled);
  EXPECT_EQ(ParseCheckMode("always"), std::nullopt);
}

TEST(ModelStoryTest, ACheckerThatCameAfterBootDoesWithoutTheModel) {
  testing::SampleGuest sample;
  Checker late(sample.guest.memory(), sample.guest.channel(), {});
  EXPECT_TRUE(late.OnSafepoint(SafepointKind::kSyscall, sample.guest.dirty()).empty());
  Checker early(sample.guest.memory(), sample.guest.channel(), {});
  const std::vector<Finding> found = early.OnSafepoint(SafepointKind::kBoot, sample.guest.dirty());
  ASSERT_FALSE(found.empty()) << "it was told nothing of what it sees";
  EXPECT_EQ(found[0].rule, Rule::kModelVisible);
}

}  // namespace
}  // namespace fv::oracle
