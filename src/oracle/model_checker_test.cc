// SPDX-License-Identifier: Apache-2.0
//
// I21 and I22 on a synthetic guest: its kernel says what it does, the test damages what it did, or
// lies for it. The random histories of incremental_test.cc show that a healthy guest is not
// accused.
#include "src/oracle/model_checker.h"

#include <gtest/gtest.h>

#include <random>
#include <string>
#include <vector>

#include "src/model/events.h"
#include "src/oracle/checker.h"
#include "src/oracle/incremental.h"
#include "src/oracle/testing/sample_guest.h"

namespace fv::oracle {
namespace {

using proto::EventKind;
using proto::kPageBytes;
using proto::Pte;
using proto::SafepointKind;
using testing::GuestBuilder;
using testing::GuestPtr;
using testing::kDataAt;
using testing::kHeapAt;
using testing::kPrivatePages;
using testing::kSharedAt;

constexpr unsigned kModel = 21;

class ModelTest : public ::testing::Test {
 protected:
  ModelTest() : world_(g().memory().frames()), checker_(g().memory(), g().channel()) {
    EXPECT_EQ(Step(), "");
  }

  GuestBuilder& g() { return sample_.guest; }

  void Say(EventKind kind, uint64_t a, uint64_t b = 0, uint64_t c = 0, uint64_t d = 0,
           uint64_t e = 0) {
    Follow();
    model::Follow({0, 0, kind, 0, 2, a, b, c, d, e}, world_);
  }
  void Follow() {
    for (const proto::EventRecord& event : g().TakeEvents()) {
      model::Follow(event, world_);
      events_.push_back(event);
    }
  }

  // The findings of the two invariants, as the names of their rules.
  std::string Step(ContentGuard::Gap gap = ContentGuard::Gap::kNone) {
    Follow();
    Findings findings;
    EXPECT_TRUE(
        checker_.Step({SafepointKind::kSyscall, g().dirty(), events_, gap, &world_}, findings)
            .ok());
    g().ClearDirty();
    events_.clear();
    world_.BeginInterval();
    std::string names;
    for (const Finding& finding : findings.list()) {
      if (InvariantOf(finding.rule) >= kModel) {
        names += (names.empty() ? "" : " ") + std::string(RuleName(finding.rule));
      }
    }
    return names;
  }

  uint64_t Pfn(GuestPtr mm, uint64_t va) {
    return (g().PeekPte(mm, va) & proto::kPteFrameMask) >> proto::kPageShift;
  }
  void Scribble(uint64_t pfn, unsigned word = 7) {
    *g().At<uint64_t>((pfn << proto::kPageShift) + 8 * word) += 1;
  }
  Pte* PteAt(GuestPtr mm, uint64_t va) {
    return g().At<Pte>(g().PteGpa(mm, va, GuestBuilder::Tables::kFind));
  }
  GuestPtr ChildHeap() { return g().Vmas(sample_.child_mm)[2]; }
  void Run(GuestPtr mm) { Say(EventKind::kSwitch, 0, 0, mm); }

  testing::SampleGuest sample_;
  model::World world_;
  IncrementalChecker checker_;
  std::vector<proto::EventRecord> events_;
};

constexpr uint64_t kPageAt = kHeapAt + 2 * kPageBytes;  // parent and child share it
constexpr uint64_t kFreshAt = kHeapAt + (kPrivatePages + 2) * kPageBytes;

// ---- I21 ---------------------------------------------------------------------------------------

TEST_F(ModelTest, SharedPageMadeWritable) {
  *PteAt(sample_.mm, kPageAt) |= proto::kPteWritable;
  EXPECT_EQ(Step(), "ModelRights");
}

TEST_F(ModelTest, ForkThatLeavesAPageWritableFarFromWhatItChanged) {
  const uint64_t va = kFreshAt;
  g().Touch(sample_.mm, sample_.heap, va, true);
  EXPECT_EQ(Step(), "");
  const Pte before = g().PeekPte(sample_.mm, va);
  g().Fork(sample_.parent, 9);
  *PteAt(sample_.mm, va) = before;
  EXPECT_EQ(Step(), "ModelRights");
}

// What a new child shows is looked at page by page unless it is what its parent shows.
class NewChildTest : public ModelTest {
 protected:
  GuestPtr ForkedMm() {
    const GuestPtr task = g().Fork(sample_.parent, 9);
    return g().Peek<proto::TaskRecord>(task).mm;
  }
};

TEST_F(NewChildTest, ShowsWhatItsParentShows) {
  (void)ForkedMm();
  EXPECT_EQ(Step(), "");
}

TEST_F(NewChildTest, ShowsAnotherFrame) {
  Pte* pte = PteAt(ForkedMm(), kPageAt);
  *pte = (*pte & ~proto::kPteFrameMask) | (pte[1] & proto::kPteFrameMask);
  EXPECT_EQ(Step(), "ModelFrame");
}

TEST_F(NewChildTest, LacksAPage) {
  *PteAt(ForkedMm(), kPageAt) = 0;
  EXPECT_EQ(Step(), "ModelVisible");
}

TEST_F(NewChildTest, MayWrite) {
  *PteAt(ForkedMm(), kPageAt) |= proto::kPteWritable;
  EXPECT_EQ(Step(), "ModelRights");
}

TEST_F(ModelTest, ReuseOfAFrameThatTheOtherStillSees) {
  *PteAt(sample_.mm, kPageAt) |= proto::kPteWritable;
  Say(EventKind::kOwn, sample_.mm, kPageAt, kPageAt + kPageBytes);
  EXPECT_EQ(Step(), "ModelFrame");
}

TEST_F(ModelTest, LastOneMayReuse) {
  g().RemoveTask(sample_.child);
  EXPECT_EQ(Step(), "");
  g().Touch(sample_.mm, sample_.heap, kPageAt, true);
  EXPECT_EQ(Step(), "");
}

TEST_F(ModelTest, ACopyThatIsAnotherPage) {
  Run(sample_.child_mm);
  g().Touch(sample_.child_mm, ChildHeap(), kPageAt, true);
  EXPECT_EQ(Step(), "");
  g().Touch(sample_.child_mm, ChildHeap(), kPageAt + kPageBytes, true);
  Scribble(Pfn(sample_.child_mm, kPageAt + kPageBytes));
  EXPECT_EQ(Step(), "ModelContent");
}

TEST_F(ModelTest, AFreshPageThatIsNotZero) {
  g().Touch(sample_.mm, sample_.heap, kFreshAt, true);
  Scribble(Pfn(sample_.mm, kFreshAt));
  EXPECT_EQ(Step(), "ModelContent");
}

TEST_F(ModelTest, TheKernelMayWriteToTheCopyAtOnce) {
  g().Touch(sample_.mm, sample_.heap, kFreshAt, true);
  Scribble(Pfn(sample_.mm, kFreshAt));
  Say(EventKind::kUserWrite, sample_.mm, kFreshAt + 56, 8);
  EXPECT_EQ(Step(), "");
}

TEST_F(ModelTest, AWrittenPageThatGoesUnasked) {
  *PteAt(sample_.mm, kPageAt) = 0;
  EXPECT_EQ(Step(), "ModelVisible");
}

TEST_F(ModelTest, ADiscardThatIsForgotten) {
  Say(EventKind::kDiscard, sample_.mm, kPageAt, kPageAt + kPageBytes);
  EXPECT_EQ(Step(), "ModelVisible");
}

TEST_F(ModelTest, APageWhereNothingIsMapped) {
  g().SetPte(sample_.mm, kHeapAt + 3 * kPrivatePages * kPageBytes,
             g().PeekPte(sample_.mm, kPageAt));
  EXPECT_EQ(Step(), "ModelVisible");
}

TEST_F(ModelTest, TwoPagesSwapped) {
  std::swap(*PteAt(sample_.child_mm, kPageAt), *PteAt(sample_.child_mm, kPageAt + kPageBytes));
  EXPECT_EQ(Step(), "ModelFrame ModelFrame");
}

TEST_F(ModelTest, AFilePageAtAnotherPlace) {
  std::swap(*PteAt(sample_.mm, kDataAt + kPageBytes), *PteAt(sample_.mm, kDataAt + 3 * kPageBytes));
  EXPECT_EQ(Step(), "ModelFrame ModelFrame");
}

TEST_F(ModelTest, APrivateFilePageMadeWritable) {
  *PteAt(sample_.mm, kDataAt + kPageBytes) |= proto::kPteWritable;
  EXPECT_EQ(Step(), "ModelRights");
}

TEST_F(ModelTest, TheZeroFrameMadeWritable) {
  *PteAt(sample_.mm, kHeapAt + kPrivatePages * kPageBytes) |= proto::kPteWritable;
  EXPECT_EQ(Step(), "ModelRights");
}

TEST_F(ModelTest, PagesOfAnObjectThatWereCutMayComeBackElsewhere) {
  Say(EventKind::kObjectCut, sample_.shared, 0);
  const uint64_t other = g().AllocateFrame(proto::FrameState::kFile);
  Pte* pte = PteAt(sample_.mm, kSharedAt);
  const Pte moved = (*pte & ~proto::kPteFrameMask) | other << proto::kPageShift;
  *pte = moved;
  *PteAt(sample_.child_mm, kSharedAt) = moved;
  EXPECT_EQ(Step(), "");
  *PteAt(sample_.child_mm, kSharedAt) = g().PeekPte(sample_.child_mm, kSharedAt + kPageBytes);
  EXPECT_EQ(Step(), "ModelFrame");
}

TEST_F(ModelTest, AStoryThatCannotBe) {
  Say(EventKind::kOwn, sample_.mm, kSharedAt, kSharedAt + kPageBytes);
  EXPECT_EQ(Step(), "ModelStory");
  EXPECT_EQ(Step(), "");
}

// ---- I22 ---------------------------------------------------------------------------------------

class AttributionTest : public ModelTest {
 protected:
  AttributionTest() {
    // The child has run and written; now the parent runs, and all hashes are known.
    Run(sample_.child_mm);
    g().Touch(sample_.child_mm, ChildHeap(), kPageAt, true);
    EXPECT_EQ(Step(), "");
    Run(sample_.mm);
    Dirty(Pfn(sample_.child_mm, kPageAt));
    Dirty(Pfn(sample_.mm, kDataAt + kPageBytes));
    Dirty(Pfn(sample_.mm, kSharedAt));
    EXPECT_EQ(Step(), "");
    EXPECT_EQ(Step(), "");
  }
  void Dirty(uint64_t pfn) { *g().At<uint64_t>(pfn << proto::kPageShift) += 0; }
};

TEST_F(AttributionTest, WhoDidNotRunDidNotWrite) {
  Scribble(Pfn(sample_.child_mm, kPageAt));
  EXPECT_EQ(Step(), "WrittenByNobody");
}

TEST_F(AttributionTest, TheDirtyLogMayCryWolf) {
  Dirty(Pfn(sample_.child_mm, kPageAt));
  EXPECT_EQ(Step(), "");
}

TEST_F(AttributionTest, WhoRanMayHaveWritten) {
  Run(sample_.child_mm);
  Scribble(Pfn(sample_.child_mm, kPageAt));
  Run(sample_.mm);
  EXPECT_EQ(Step(), "");
  Scribble(Pfn(sample_.child_mm, kPageAt));
  EXPECT_EQ(Step(), "WrittenByNobody") << "its new content is known again";
}

TEST_F(AttributionTest, TheKernelWritesForSomebody) {
  Scribble(Pfn(sample_.child_mm, kPageAt));
  Say(EventKind::kUserWrite, sample_.child_mm, kPageAt + 56, 8);
  EXPECT_EQ(Step(), "");
  Scribble(Pfn(sample_.child_mm, kPageAt));
  Say(EventKind::kUserWrite, sample_.child_mm, kPageAt + kPageBytes, 8);
  EXPECT_EQ(Step(), "WrittenByNobody") << "it says that it wrote elsewhere";
}

TEST_F(AttributionTest, ASharedPageIsWrittenByNobodyEvenIfAllRan) {
  const uint64_t pfn = Pfn(sample_.mm, kPageAt + kPageBytes);
  ASSERT_EQ(pfn, Pfn(sample_.child_mm, kPageAt + kPageBytes));
  Dirty(pfn);
  EXPECT_EQ(Step(), "");
  Run(sample_.child_mm);
  Scribble(pfn);
  EXPECT_EQ(Step(), "WrittenByNobody");
}

TEST_F(AttributionTest, APageOfAFileThatNobodyMayWrite) {
  Scribble(Pfn(sample_.mm, kDataAt + kPageBytes));
  EXPECT_EQ(Step(), "WrittenByNobody");
  Scribble(Pfn(sample_.mm, kDataAt + kPageBytes));
  Say(EventKind::kObjectWrite, sample_.file, 513 * kPageBytes, 1);
  EXPECT_EQ(Step(), "") << "write(2)";
}

TEST_F(AttributionTest, SharedMemoryIsWrittenByWhoMapsIt) {
  Scribble(Pfn(sample_.mm, kSharedAt));
  EXPECT_EQ(Step(), "");
  Run(0);
  EXPECT_EQ(Step(), "");
  EXPECT_EQ(Step(), "");
  Scribble(Pfn(sample_.mm, kSharedAt));
  EXPECT_EQ(Step(), "WrittenByNobody");
}

TEST_F(AttributionTest, NobodyIsAccusedAcrossAGap) {
  Scribble(Pfn(sample_.child_mm, kPageAt));
  EXPECT_EQ(Step(ContentGuard::Gap::kUnknown), "");
}

// ---- which frames are watched ------------------------------------------------------------------

TEST_F(AttributionTest, APageIsOpenFromItsFirstWriteToItsHash) {
  const uint64_t pfn = Pfn(sample_.child_mm, kPageAt);
  const WatchedFrames& watched = checker_.watched();
  const auto is_hashed = [&] { return (watched.hashed()[pfn / 64] >> (pfn % 64) & 1) != 0; };
  EXPECT_FALSE(watched.IsOpen(pfn)) << "its hash is known";
  EXPECT_TRUE(is_hashed());
  Run(sample_.child_mm);
  for (int write = 0; write < 3; ++write) {
    Scribble(pfn);
    EXPECT_EQ(Step(), "");
    EXPECT_TRUE(watched.IsOpen(pfn));
    EXPECT_FALSE(is_hashed());
  }
  Scribble(pfn);
  Run(sample_.mm);
  EXPECT_EQ(Step(), "") << "the child ran";
  EXPECT_FALSE(watched.IsOpen(pfn)) << "its writer stopped, so there is a hash";
  EXPECT_TRUE(is_hashed());
  Scribble(pfn);
  EXPECT_EQ(Step(), "WrittenByNobody");
}

TEST_F(AttributionTest, APageThatCameToBeSharedIsWatched) {
  const uint64_t pfn = Pfn(sample_.child_mm, kPageAt);
  Run(sample_.child_mm);
  Scribble(pfn);
  EXPECT_EQ(Step(), "");
  EXPECT_TRUE(checker_.watched().IsOpen(pfn));
  (void)g().Fork(sample_.child, 9);
  EXPECT_EQ(Step(), "");
  EXPECT_FALSE(checker_.watched().IsOpen(pfn));
}

TEST_F(AttributionTest, APageTableIsNeverOpen) {
  const uint64_t table =
      g().PteGpa(sample_.mm, kPageAt, GuestBuilder::Tables::kFind) >> proto::kPageShift;
  Dirty(table);
  EXPECT_EQ(Step(), "");
  EXPECT_FALSE(checker_.watched().IsOpen(table));
}

// ---- when there is a model ------------------------------------------------------------------

TEST(ModelStory, ACheckerThatCameAfterBootDoesWithoutTheModel) {
  testing::SampleGuest sample;
  Checker late(sample.guest.memory(), sample.guest.channel(), {});
  EXPECT_TRUE(late.OnSafepoint(SafepointKind::kSyscall, sample.guest.dirty()).empty());
  Checker early(sample.guest.memory(), sample.guest.channel(), {});
  const std::vector<Finding> found = early.OnSafepoint(SafepointKind::kBoot, sample.guest.dirty());
  ASSERT_FALSE(found.empty()) << "it was told nothing of what it sees";
  EXPECT_EQ(found[0].rule, Rule::kModelVisible);
}

// ---- anything at all ---------------------------------------------------------------------------

// Damaged memory and senseless events together: the rules must neither crash nor take long.
TEST(ModelHostile, AnyWordAndAnyEventMayBeAnything) {
  for (unsigned seed = 1; seed <= 12; ++seed) {
    std::mt19937_64 random(seed);
    testing::SampleGuest sample;
    GuestBuilder& guest = sample.guest;
    Checker checker(guest.memory(), guest.channel(), {});
    for (const proto::EventRecord& event : guest.TakeEvents()) {
      checker.OnEvent(event);
    }
    checker.OnSafepoint(SafepointKind::kBoot, guest.dirty());
    const proto::ChannelHeader header = guest.header();
    const uint64_t low = 0x100000;
    const uint64_t high = header.frame_high_water * kPageBytes;
    const uint64_t names[] = {sample.mm,  sample.child_mm, sample.file,    sample.shared,
                              kHeapAt,    kDataAt,         kSharedAt,      kPageAt,
                              kPageBytes, proto::kUserEnd, ~uint64_t{0},   0,
                              1,          0x10000,         3 * kPageBytes, kHeapAt + 0x100000};
    for (unsigned round = 0; round < 60; ++round) {
      guest.ClearDirty();
      guest.header() = header;
      for (unsigned i = 0; i < 8; ++i) {
        const uint64_t gpa = (low + random() % (high - low)) & ~uint64_t{7};
        *guest.At<uint64_t>(gpa) ^= uint64_t{1} << random() % 64;
      }
      for (unsigned i = 0; i < 200; ++i) {
        const auto kind =
            static_cast<EventKind>(random() % static_cast<unsigned>(EventKind::kCount));
        auto word = [&] { return random() % 8 == 0 ? random() : names[random() % 16]; };
        checker.OnEvent({i, 0, kind, 0, 2, word(), word(), word(), word(), word()});
      }
      checker.OnSafepoint(SafepointKind::kSyscall, guest.dirty());
    }
  }
}

}  // namespace
}  // namespace fv::oracle
