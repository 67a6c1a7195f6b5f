// SPDX-License-Identifier: Apache-2.0
//
// I7: a flush has to cover what was lost, after it was lost, before anybody could use it.
#include "src/oracle/flush_rules.h"

#include <gtest/gtest.h>

#include <set>
#include <string>
#include <vector>

#include "src/oracle/address_ranges.h"
#include "src/oracle/incremental.h"
#include "src/oracle/testing/sample_test.h"

namespace fv::oracle {
namespace {

using proto::EventKind;
using proto::EventRecord;
using proto::kPageBytes;
using testing::GuestPtr;
using testing::kHeapAt;

constexpr uint64_t kPageAt = kHeapAt + 2 * kPageBytes;

class FlushTest : public testing::SampleGuestTest {
 protected:
  FlushTest() : checker_(g().memory(), g().channel()) { (void)Step(); }

  // Clears the entry of a page of the parent's and frees its frame, without a word of it.
  void Zap(uint64_t va) {
    g().Unmap(sample_.mm, va);
    (void)g().TakeEvents();
  }
  void Say(EventKind kind, uint64_t a, uint64_t b, uint64_t c, uint64_t d = 0) {
    events_.push_back({events_.size(), 0, kind, 0, 2, a, b, c, d, 0});
  }
  void SayDiscard(uint64_t va) { Say(EventKind::kDiscard, sample_.mm, va, va + kPageBytes); }
  void Flush(uint64_t start, uint64_t end) {
    g().Flush(sample_.mm, start, end);
    for (const EventRecord& event : g().TakeEvents()) {
      events_.push_back(event);
    }
  }
  void FlushPage(uint64_t va) { Flush(va, va + kPageBytes); }

  // What I7 says now: the sentences.
  std::string Step() {
    Findings findings;
    EXPECT_TRUE(
        checker_.Step({proto::SafepointKind::kSyscall, g().dirty(), events_}, findings).ok());
    g().ClearDirty();
    events_.clear();
    std::string text;
    for (const Finding& finding : findings.list()) {
      text += InvariantOf(finding.rule) == 7 ? finding.sentence + "\n" : "";
    }
    return text;
  }

  IncrementalChecker checker_;
  std::vector<EventRecord> events_;
};

constexpr char kNever[] = "no flush covers its address";
constexpr char kEarly[] = "came too early";

bool Says(const std::string& text, const char* what) {
  return text.find(what) != std::string::npos;
}

TEST_F(FlushTest, AfterTheChangeItCovers) {
  Zap(kPageAt);
  SayDiscard(kPageAt);
  FlushPage(kPageAt);
  EXPECT_EQ(Step(), "");
}

TEST_F(FlushTest, NoneAtAll) {
  Zap(kPageAt);
  SayDiscard(kPageAt);
  EXPECT_TRUE(Says(Step(), kNever));
}

TEST_F(FlushTest, OfAnotherPage) {
  Zap(kPageAt);
  SayDiscard(kPageAt);
  FlushPage(kPageAt + kPageBytes);
  EXPECT_TRUE(Says(Step(), kNever));
}

TEST_F(FlushTest, OfAnotherAddressSpace) {
  Zap(kPageAt);
  SayDiscard(kPageAt);
  g().Flush(sample_.child_mm);
  EXPECT_TRUE(Says(Step(), kNever));
}

TEST_F(FlushTest, OfHalfTheRange) {
  Zap(kPageAt);
  Zap(kPageAt + kPageBytes);
  Say(EventKind::kDiscard, sample_.mm, kPageAt, kPageAt + 2 * kPageBytes);
  FlushPage(kPageAt);
  EXPECT_TRUE(Says(Step(), kNever));
  Zap(kPageAt + 2 * kPageBytes);
  Zap(kPageAt + 3 * kPageBytes);
  Say(EventKind::kDiscard, sample_.mm, kPageAt + 2 * kPageBytes, kPageAt + 4 * kPageBytes);
  FlushPage(kPageAt + 2 * kPageBytes);
  FlushPage(kPageAt + 3 * kPageBytes);
  EXPECT_EQ(Step(), "") << "two flushes cover what one does";
}

TEST_F(FlushTest, BeforeTheChange) {
  Zap(kPageAt);
  FlushPage(kPageAt);
  SayDiscard(kPageAt);
  EXPECT_TRUE(Says(Step(), kEarly));
}

TEST_F(FlushTest, AfterUserCodeMayHaveRun) {
  Zap(kPageAt);
  SayDiscard(kPageAt);
  Say(EventKind::kSwitch, 3, 2, sample_.mm);
  FlushPage(kPageAt);
  EXPECT_TRUE(Says(Step(), kEarly));
}

TEST_F(FlushTest, AfterOthersRanItIsInTime) {
  Zap(kPageAt);
  SayDiscard(kPageAt);
  Say(EventKind::kSwitch, 2, 3, sample_.child_mm);
  FlushPage(kPageAt);
  EXPECT_EQ(Step(), "");
}

TEST_F(FlushTest, AWriteBreakIsAChange) {
  g().Touch(sample_.mm, sample_.heap, kPageAt,
            testing::Access::kWrite);  // a copy: the parent's entry changes frames
  (void)g().TakeEvents();
  Say(EventKind::kOwn, sample_.mm, kPageAt, kPageAt + kPageBytes);
  EXPECT_NE(Step(), "");
  g().Touch(sample_.mm, sample_.heap, kPageAt + kPageBytes, testing::Access::kWrite);
  (void)g().TakeEvents();
  FlushPage(kPageAt + kPageBytes);
  Say(EventKind::kOwn, sample_.mm, kPageAt + kPageBytes, kPageAt + 2 * kPageBytes);
  EXPECT_TRUE(Says(Step(), kEarly));
}

// mmap over a mapping, with MAP_POPULATE: the old page is gone and flushed when the new one comes.
TEST_F(FlushTest, APageThatCameWhereNothingWasNeedsNone) {
  Zap(kPageAt);
  g().Touch(sample_.mm, sample_.heap, kPageAt, testing::Access::kWrite);
  (void)g().TakeEvents();
  SayDiscard(kPageAt);
  FlushPage(kPageAt);
  Say(EventKind::kOwn, sample_.mm, kPageAt, kPageAt + kPageBytes);
  EXPECT_EQ(Step(), "");
}

TEST_F(FlushTest, ForkOfEverything) {
  (void)g().ForkMm(sample_.mm);
  events_ = g().TakeEvents();
  EXPECT_EQ(Step(), "");
}

TEST_F(FlushTest, ForkThatFlushesBeforeItProtects) {
  g().Touch(sample_.mm, sample_.heap, kPageAt, testing::Access::kWrite);
  events_ = g().TakeEvents();
  EXPECT_EQ(Step(), "");
  (void)g().ForkMm(sample_.mm);
  events_ = g().TakeEvents();
  ASSERT_EQ(events_.size(), 2u);
  std::swap(events_[0], events_[1]);
  EXPECT_TRUE(Says(Step(), kEarly));
}

TEST_F(FlushTest, TheCountIsTheLastFlushs) {
  Zap(kPageAt);
  SayDiscard(kPageAt);
  FlushPage(kPageAt);
  ++g().Ptr<proto::MmRecord>(sample_.mm)->flush_generation;
  EXPECT_TRUE(Says(Step(), "the last flush was number"));
}

// A page table that others use keeps its entries for them; who leaves it loses them all.
TEST_F(FlushTest, ATableThatGoes) {
  *TableEntryAt(sample_.mm, kHeapAt) = 0;
  const std::string text = Step();
  EXPECT_TRUE(Says(text, kNever));
  EXPECT_TRUE(Says(text, "a page table went"));
}

TEST(AddressRangesTest, AgreesWithASetOfAddresses) {
  uint64_t state = 1;
  auto below = [&](uint64_t limit) {
    state = state * 6364136223846793005 + 1442695040888963407;
    return (state >> 33) % limit;
  };
  AddressRanges ranges;
  std::set<uint64_t> plain;
  for (unsigned step = 0; step < 20'000; ++step) {
    const uint64_t start = below(40);
    const uint64_t end = start + below(8);
    const bool add = below(2) == 0;
    add ? ranges.Add(start, end) : ranges.Remove(start, end);
    for (uint64_t at = start; at < end; ++at) {
      add ? void(plain.insert(at)) : void(plain.erase(at));
    }
    ASSERT_EQ(ranges.empty(), plain.empty());
    AddressRanges copy;
    copy.AddPartsOf(ranges, 10, 20);
    AddressRanges rest = ranges;
    rest.Subtract(copy);
    for (uint64_t at = 0; at < 50; ++at) {
      AddressRanges one;
      one.AddPartsOf(ranges, at, at + 1);
      ASSERT_EQ(!one.empty(), plain.contains(at)) << step << " " << at;
      one.Clear();
      one.AddPartsOf(rest, at, at + 1);
      ASSERT_EQ(!one.empty(), plain.contains(at) && (at < 10 || at >= 20));
    }
    if (!plain.empty()) {
      ASSERT_EQ(ranges.first(), *plain.begin());
    }
  }
}

}  // namespace
}  // namespace fv::oracle
