// SPDX-License-Identifier: Apache-2.0
//
// I6, I7 and the model of fork: what one operation may do. Every rule has a test that breaks it and
// one that shows the same operation done right.
#include "src/oracle/transition.h"

#include <gtest/gtest.h>

#include <linux/sched.h>

#include <algorithm>
#include <string>

#include "src/oracle/checker.h"
#include "src/oracle/testing/sample_guest.h"

namespace fv::oracle {
namespace {

using proto::EventKind;
using proto::kPageBytes;
using proto::SafepointKind;
using testing::GuestBuilder;
using testing::GuestPtr;
using testing::kHeapAt;
using testing::kPrivatePages;

class TransitionTest : public ::testing::Test {
 protected:
  TransitionTest() : checker_(g().memory(), g().channel(), {}) { EXPECT_EQ(Step(), ""); }

  GuestBuilder& g() { return sample_.guest; }

  std::string Step(SafepointKind kind = SafepointKind::kSyscall) {
    std::string text;
    EXPECT_TRUE(checker_.WantsSafepoint(kind));
    Follow();
    last_ = checker_.OnSafepoint(kind, g().dirty());
    for (const Finding& finding : last_) {
      text += checker_.Text(finding);
    }
    g().ClearDirty();
    return text;
  }
  // What the guest's kernel has said comes before what the test says next.
  void Follow() {
    for (const proto::EventRecord& event : g().TakeEvents()) {
      checker_.OnEvent(event);
      told_.push_back(event);
    }
  }
  bool Has(Rule rule) const {
    for (const Finding& finding : last_) {
      if (finding.rule == rule) {
        return true;
      }
    }
    return false;
  }
  void Event(EventKind kind, uint32_t pid, uint64_t a = 0, uint64_t b = 0, uint64_t c = 0,
             uint64_t d = 0, uint64_t e = 0) {
    Follow();
    checker_.OnEvent({next_event_++, 0, kind, 0, pid, a, b, c, d, e});
  }
  uint64_t Pfn(GuestPtr mm, uint64_t va) {
    return (g().PeekPte(mm, va) & proto::kPteFrameMask) >> proto::kPageShift;
  }
  uint64_t* Word(uint64_t pfn, unsigned index) {
    return g().At<uint64_t>((pfn << proto::kPageShift) + 8 * index);
  }
  proto::Pte* PteAt(GuestPtr mm, uint64_t va) {
    return g().At<proto::Pte>(g().PteGpa(mm, va, GuestBuilder::Tables::kFind));
  }

  testing::SampleGuest sample_;
  Checker checker_;
  std::vector<Finding> last_;
  std::vector<proto::EventRecord> told_;
  uint64_t next_event_ = 0;
};

// ---- I1
// ------------------------------------------------------------------------------------------

TEST_F(TransitionTest, I1PinnedFrameIsNotReused) {
  const uint64_t pfn = Pfn(sample_.child_mm, kHeapAt);  // the child's own
  g().Frame(pfn).refs += 1;
  g().Frame(pfn).pins += 1;
  Event(EventKind::kCowReuse, 3, kHeapAt, pfn);
  EXPECT_EQ(Step(), "");  // it may have been pinned afterwards
  Event(EventKind::kCowReuse, 3, kHeapAt, pfn);
  EXPECT_NE(Step(), "");
  EXPECT_TRUE(Has(Rule::kPinnedReused));
}

// ---- I6
// ------------------------------------------------------------------------------------------

TEST_F(TransitionTest, I6SharedFrameChanged) {
  *Word(Pfn(sample_.mm, kHeapAt + kPageBytes), 7) = 42;
  EXPECT_NE(Step(), "");
  EXPECT_TRUE(Has(Rule::kSharedChanged));
}

TEST_F(TransitionTest, I6FalseAlarmOfTheDirtyLog) {
  *Word(Pfn(sample_.mm, kHeapAt + kPageBytes), 7) += 0;  // dirty, but the same
  EXPECT_EQ(Step(), "");
}

TEST_F(TransitionTest, I6ExclusiveFrameMayChange) {
  Event(EventKind::kSwitch, 1, 1, 2, sample_.mm);
  g().Touch(sample_.mm, sample_.heap, kHeapAt + kPageBytes, true);  // takes a copy
  EXPECT_EQ(Step(), "");
  *Word(Pfn(sample_.mm, kHeapAt + kPageBytes), 7) = 42;
  EXPECT_EQ(Step(), "");
}

TEST_F(TransitionTest, I6NotAccusedAcrossAGap) {
  CheckerOptions options;
  options.mode = CheckMode::kSampled;
  options.sample_interval = 4;
  Checker sampled(g().memory(), g().channel(), options);
  unsigned accused = 0;
  // The model of the checker beside it has taken them.
  std::vector<proto::EventRecord> events = told_;
  for (int i = 0; i < 8; ++i) {
    if (i == 2 || i == 3 || i == 4) {
      *Word(Pfn(sample_.mm, kHeapAt + kPageBytes), 7) += 1;
    }
    const bool wanted = sampled.WantsSafepoint(SafepointKind::kSyscall);
    EXPECT_EQ(wanted, i % 4 < 2);
    for (const proto::EventRecord& event : events) {
      sampled.OnEvent(event);
    }
    events.clear();
    accused += sampled.OnSafepoint(SafepointKind::kSyscall, g().dirty()).empty() ? 0 : 1;
    if (wanted) {
      g().ClearDirty();
    }
  }
  EXPECT_EQ(accused, 0u);
  *Word(Pfn(sample_.mm, kHeapAt + kPageBytes), 7) += 1;
  EXPECT_TRUE(sampled.OnSafepoint(SafepointKind::kSyscall, g().dirty()).empty());
  *Word(Pfn(sample_.mm, kHeapAt + kPageBytes), 7) += 1;
  EXPECT_FALSE(sampled.OnSafepoint(SafepointKind::kSyscall, g().dirty()).empty());
}

TEST_F(TransitionTest, I6ZeroFrame) {
  *Word(g().zero_pfn(), 511) = 1;
  EXPECT_NE(Step(), "");
  EXPECT_TRUE(Has(Rule::kZeroChanged));
}

TEST_F(TransitionTest, I6BreakCopiesThePage) {
  const uint64_t va = kHeapAt + 2 * kPageBytes;
  const uint64_t from = Pfn(sample_.mm, va);
  g().Touch(sample_.mm, sample_.heap, va, true);
  Event(EventKind::kFault, 2, va, 1, 0, 0, kHeapAt);
  Event(EventKind::kCowBreak, 2, va, from, Pfn(sample_.mm, va));
  EXPECT_EQ(Step(SafepointKind::kFault), "");
}

TEST_F(TransitionTest, I6BreakCopiesAnotherPage) {
  const uint64_t va = kHeapAt + 2 * kPageBytes;
  const uint64_t from = Pfn(sample_.mm, va);
  g().Touch(sample_.mm, sample_.heap, va, true);
  *Word(Pfn(sample_.mm, va), 0) ^= 1;
  Event(EventKind::kFault, 2, va, 1, 0, 0, kHeapAt);
  Event(EventKind::kCowBreak, 2, va, from, Pfn(sample_.mm, va));
  EXPECT_NE(Step(SafepointKind::kFault), "");
  EXPECT_TRUE(Has(Rule::kBreakContent));
}

TEST_F(TransitionTest, I6KernelsOwnWriteIsNotABadCopy) {
  const uint64_t va = kHeapAt + 2 * kPageBytes;
  const uint64_t from = Pfn(sample_.mm, va);
  g().Touch(sample_.mm, sample_.heap, va, true);
  *Word(Pfn(sample_.mm, va), 0) ^= 1;  // read(2) into the page
  Event(EventKind::kUserWrite, 2, sample_.mm, va, 8);
  Event(EventKind::kFault, 2, va, 1, 0, 0, 0);
  Event(EventKind::kCowBreak, 2, va, from, Pfn(sample_.mm, va));
  EXPECT_EQ(Step(SafepointKind::kFault), "");
}

// ---- I7
// ------------------------------------------------------------------------------------------

// A table that both address spaces use may only lose write permission.
TEST_F(TransitionTest, I8SharedTableChanged) {
  const auto entry_of_table = [this](GuestPtr mm) {
    uint64_t table = g().Peek<proto::MmRecord>(mm).root_gpa;
    for (unsigned level = 4; level > 2; --level) {
      table =
          g().Peek<proto::Pte>(proto::DirectMap(table + 8 * proto::TableIndex(kHeapAt, level))) &
          proto::kPteFrameMask;
    }
    return g().At<proto::Pte>(table + 8 * proto::TableIndex(kHeapAt, 2));
  };
  proto::Pte* parents = entry_of_table(sample_.mm);
  *parents = (*parents & ~proto::kPteWritable) | proto::kPteSharedTable;
  *entry_of_table(sample_.child_mm) = *parents;
  Step();
  *PteAt(sample_.mm, kHeapAt) |= proto::kPteCow;
  Step();
  EXPECT_FALSE(Has(Rule::kSharedTableChanged));
  *PteAt(sample_.mm, kHeapAt) = 0;
  Step();
  EXPECT_TRUE(Has(Rule::kSharedTableChanged));
}

TEST_F(TransitionTest, I7UnmapWithoutFlush) {
  g().Unmap(sample_.mm, kHeapAt);
  EXPECT_NE(Step(), "");
  EXPECT_TRUE(Has(Rule::kNoFlush));
  g().Unmap(sample_.mm, kHeapAt + kPageBytes);
  g().Flush(sample_.mm);
  EXPECT_EQ(Step(), "");
}

TEST_F(TransitionTest, I7WriteProtectionWithoutFlush) {
  g().Touch(sample_.mm, sample_.heap, kHeapAt + 2 * kPageBytes, true);
  EXPECT_EQ(Step(), "");
  *PteAt(sample_.mm, kHeapAt + 2 * kPageBytes) &= ~proto::kPteWritable;
  EXPECT_NE(Step(), "");
  EXPECT_TRUE(Has(Rule::kNoFlush));
}

TEST_F(TransitionTest, I7MoreRightsNeedNoFlush) {
  g().Touch(sample_.mm, sample_.heap, kHeapAt, true);  // reuse: read-only becomes writable
  EXPECT_EQ(Step(), "");
  g().Touch(sample_.mm, sample_.heap, kHeapAt + (kPrivatePages + 2) * kPageBytes, true);  // new
  EXPECT_EQ(Step(), "");
}

// ---- fork
// ----------------------------------------------------------------------------------------

class ForkTest : public TransitionTest {
 protected:
  void Fork(uint64_t flags = 0) {
    child_ = g().Fork(sample_.parent, 9);
    child_mm_ = g().Peek<proto::TaskRecord>(child_).mm;
    Event(EventKind::kForkBegin, 2, flags, sample_.mm);
    Event(EventKind::kForkEnd, 2, 9);
  }
  // The kernel's own store.
  void Store(GuestPtr mm, uint64_t va) {
    *Word(Pfn(mm, va), 5) = 9;
    Event(EventKind::kUserWrite, 2, mm, va + 5 * sizeof(uint64_t), 4);
  }
  GuestPtr child_ = 0;
  GuestPtr child_mm_ = 0;
};

TEST_F(ForkTest, RightForkIsNotAccused) {
  g().AddVma(sample_.mm, 0x30000000, 4, proto::kVmRead | proto::kVmDontCopy);
  g().Ptr<proto::VmaRecord>(sample_.rodata)->flags |= proto::kVmDontCopy;
  EXPECT_EQ(Step(), "");
  Fork();
  EXPECT_EQ(Step(), "");
}

TEST_F(ForkTest, I10DontCopyWasCopied) {
  Fork();
  for (const GuestPtr vma : {sample_.rodata, g().Vmas(child_mm_).back()}) {
    g().Ptr<proto::VmaRecord>(vma)->flags |= proto::kVmDontCopy;
  }
  EXPECT_NE(Step(), "");
  EXPECT_TRUE(Has(Rule::kForkVmas));
}

TEST_F(ForkTest, I10VmaMissing) {
  Fork();
  g().RemoveVma(g().Vmas(child_mm_).back());
  EXPECT_NE(Step(), "");
  EXPECT_TRUE(Has(Rule::kForkVmas));
}

TEST_F(ForkTest, I6PageMissingInTheChild) {
  Fork();
  g().Unmap(child_mm_, kHeapAt + kPageBytes);
  g().Flush(child_mm_);
  EXPECT_NE(Step(), "");
  EXPECT_TRUE(Has(Rule::kForkContent));
}

TEST_F(ForkTest, I6ChildGotAnotherPage) {
  *Word(Pfn(sample_.mm, kHeapAt + 3 * kPageBytes), 0) = 0;
  g().Touch(sample_.mm, sample_.heap, kHeapAt + 4 * kPageBytes, true);
  *Word(Pfn(sample_.mm, kHeapAt + 4 * kPageBytes), 0) = 4;
  EXPECT_NE(Step(), "x");
  Fork();
  std::swap(*PteAt(child_mm_, kHeapAt + 3 * kPageBytes),
            *PteAt(child_mm_, kHeapAt + 4 * kPageBytes));
  EXPECT_NE(Step(), "");
  EXPECT_TRUE(Has(Rule::kForkContent));
}

TEST_F(ForkTest, I6EagerCopyIsTheSame) {
  Fork(CLONE_CHILD_SETTID);
  const GuestPtr heap = g().Vmas(child_mm_)[2];
  g().Touch(child_mm_, heap, kHeapAt + 3 * kPageBytes, true);  // a copy at once
  Store(child_mm_, kHeapAt + 3 * kPageBytes);                  // the child's tid
  EXPECT_EQ(Step(), "");
}

TEST_F(ForkTest, I6PidfdStoredInTheParent) {
  Fork(CLONE_PIDFD);
  g().Touch(sample_.mm, sample_.heap, kHeapAt + 3 * kPageBytes, true);  // the parent's own copy
  Store(sample_.mm, kHeapAt + 3 * kPageBytes);
  EXPECT_EQ(Step(), "");
}

TEST_F(ForkTest, I6TidStoredInAFreshPageOfTheParent) {
  Fork(CLONE_PARENT_SETTID);
  const uint64_t va = kHeapAt + (kPrivatePages + 2) * kPageBytes;
  g().Touch(sample_.mm, sample_.heap, va, true);
  Store(sample_.mm, va);
  EXPECT_EQ(Step(), "");
}

TEST_F(ForkTest, I6TidStoredInAFreshPageOfTheChild) {
  Fork(CLONE_CHILD_SETTID);
  const uint64_t va = kHeapAt + (kPrivatePages + 2) * kPageBytes;
  g().Touch(child_mm_, g().Vmas(child_mm_)[2], va, true);
  Store(child_mm_, va);
  EXPECT_EQ(Step(), "");
}

TEST_F(ForkTest, I6PageOfTheParentThatNoStoreMade) {
  Fork(CLONE_PARENT_SETTID);
  const uint64_t va = kHeapAt + (kPrivatePages + 2) * kPageBytes;
  g().Touch(sample_.mm, sample_.heap, va, true);
  for (unsigned word = 5; word < 8; ++word) *Word(Pfn(sample_.mm, va), word) = 9;
  EXPECT_NE(Step(), "");
  EXPECT_TRUE(Has(Rule::kForkContent));
}

TEST_F(ForkTest, I6WipedRange) {
  g().Ptr<proto::VmaRecord>(sample_.heap)->flags |= proto::kVmWipeOnFork;
  EXPECT_EQ(Step(), "");
  Fork();
  EXPECT_NE(Step(), "");
  EXPECT_TRUE(Has(Rule::kForkContent));
}

TEST_F(ForkTest, SilentWhenTheChildMayHaveRun) {
  Fork();
  Event(EventKind::kSwitch, 2, 2, 9);
  g().RemoveVma(g().Vmas(child_mm_).back());
  EXPECT_EQ(Step(), "");
}

// ---- the end
// -------------------------------------------------------------------------------------

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

}  // namespace
}  // namespace fv::oracle
