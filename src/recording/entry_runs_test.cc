// SPDX-License-Identifier: Apache-2.0
//
// Whatever two tables hold, what is told of their difference makes one into the other; and what a
// kernel does is told in few runs.
#include "src/recording/entry_runs.h"

#include <gtest/gtest.h>

#include <random>

#include "src/recording/entry_flags.h"
#include "src/recording/state.h"

namespace fv::recording {
namespace {

using proto::kPteCow;
using proto::kPtePresent;
using proto::kPteUser;
using proto::kPteWritable;
using proto::Pte;

constexpr uint32_t kTable = 7;
constexpr uint32_t kOther = 8;
constexpr Pte kPage = kPtePresent | kPteUser | kPteWritable;

Pte Entry(uint64_t frame, Pte bits = kPage) { return frame << proto::kPageShift | bits; }

Entries Pages(unsigned first, unsigned end, uint64_t frame) {
  Entries entries{};
  for (unsigned i = first; i < end; ++i) entries[i] = Entry(frame + i - first);
  return entries;
}

// `table` applied where kTable holds `before` and kOther holds `other`.
Entries Applied(const Entries& before, const schema::Table& table, const Entries& other = {}) {
  State state;
  state.tables[kTable] = {1, before};
  state.tables[kOther] = {1, other};
  schema::Change change;
  *change.add_tables() = table;
  change.mutable_tables(0)->set_frame(kTable);
  EXPECT_TRUE(Apply(change, state).ok());
  return state.tables[kTable].entries;
}

TEST(EntryFlagsTest, EveryBitComesBack) {
  for (unsigned bit = 0; bit < 64; ++bit) {
    const Pte entry = Pte{1} << bit;
    EXPECT_EQ(EntryOf(FlagsOf(entry), FrameOf(entry)), entry) << bit;
    if ((entry & proto::kPteFrameMask) == 0) {
      EXPECT_LT(FlagsOf(entry), 1u << kEntryFlagBits) << bit;
    }
  }
}

TEST(EntryFlagsTest, AreThoseOfTheSchema) {
  EXPECT_EQ(FlagsOf(kPtePresent), unsigned{schema::PRESENT});
  EXPECT_EQ(FlagsOf(kPteWritable), unsigned{schema::WRITABLE});
  EXPECT_EQ(FlagsOf(kPteUser), unsigned{schema::USER});
  EXPECT_EQ(FlagsOf(kPteCow), unsigned{schema::COPY_ON_WRITE});
  EXPECT_EQ(FlagsOf(proto::kPteAccessed), unsigned{schema::ACCESSED});
  EXPECT_EQ(FlagsOf(proto::kPteDirty), unsigned{schema::DIRTY});
  EXPECT_EQ(FlagsOf(proto::kPteNoExecute), unsigned{schema::NO_EXECUTE});
  EXPECT_EQ(FlagsOf(proto::kPteZero), unsigned{schema::ZERO});
  EXPECT_EQ(FlagsOf(proto::kPteSharedTable), unsigned{schema::SHARED_TABLE});
  EXPECT_EQ(FlagsOf(proto::kPteGuard), unsigned{schema::GUARD});
  EXPECT_EQ(FlagsOf(proto::kPteHuge), unsigned{schema::HUGE_PAGE});
  EXPECT_EQ(FlagsOf(proto::kPteGlobal), unsigned{schema::GLOBAL});
}

TEST(EntryRunsTest, AForkOfTheParentIsOneRun) {
  Entries before = Pages(10, 300, 1000);
  before[50] = before[51] = 0;
  before[60] = Entry(5, kPtePresent | kPteUser);  // read-only: stays as it is
  Entries after = before;
  for (Pte& entry : after) {
    if ((entry & kPteWritable) != 0) entry = (entry & ~kPteWritable) | kPteCow;
  }
  // The read-only one would be changed by a run over it.
  schema::Table table;
  AddDifference(before, after, table);
  EXPECT_EQ(table.flags_size(), 2);
  EXPECT_EQ(table.entries_size(), 0);
  EXPECT_EQ(Applied(before, table), after);
}

TEST(EntryRunsTest, AChildsTableIsACopy) {
  Entries model = Pages(0, 256, 1000);
  for (Pte& entry : model) entry |= entry == 0 ? 0 : proto::kPteDirty | proto::kPteAccessed;
  Entries after = Pages(0, 256, 1000);
  after[100] = 0;          // not inherited
  after[101] = Entry(42);  // copied at once
  schema::Table table;
  AddContent(kOther, model, after, table);
  ASSERT_TRUE(table.has_copy());
  EXPECT_EQ(table.flags_size(), 0);
  EXPECT_LE(table.entries_size(), 2);
  EXPECT_EQ(Applied({}, table, model), after);
}

TEST(EntryRunsTest, WhatIsNoCopyIsToldByItself) {
  const Entries model = Pages(0, 256, 1000);
  const Entries after = Pages(0, 256, 5000);
  schema::Table table;
  AddContent(kOther, model, after, table);
  EXPECT_FALSE(table.has_copy());
  EXPECT_EQ(table.entries_size(), 1);
  EXPECT_EQ(Applied({}, table, model), after);
}

TEST(EntryRunsTest, ZeroPagesAndNeighboursAreRuns) {
  Entries after = Pages(0, 100, 1000);
  for (unsigned i = 100; i < 512; ++i) after[i] = Entry(3, kPtePresent | proto::kPteZero);
  schema::Table table;
  AddDifference({}, after, table);
  EXPECT_EQ(table.entries_size(), 2);
  EXPECT_LT(table.ByteSizeLong(), 40u);
  EXPECT_EQ(Applied({}, table), after);
}

TEST(EntryRunsTest, RandomTables) {
  std::mt19937_64 random(1);
  const auto below = [&](uint64_t limit) { return random() % limit; };
  const auto entry = [&]() -> Pte {
    switch (below(6)) {
      case 0:
        return 0;
      case 1:
        return random();
      default:
        return Entry(100 + below(4), kPage ^ (below(2) * kPteCow) ^ (below(2) * kPteWritable));
    }
  };
  for (int round = 0; round < 300; ++round) {
    Entries before{}, after{}, model{};
    Pte run = 0;
    for (unsigned i = 0; i < before.size(); ++i) {
      if (below(5) == 0) run = entry();
      before[i] = below(2) == 0 ? run : entry();
      after[i] = below(3) != 0 ? before[i] : entry();
      model[i] = below(4) != 0 ? after[i] | proto::kPteDirty : entry();
    }
    schema::Table difference;
    AddDifference(before, after, difference);
    ASSERT_EQ(Applied(before, difference), after) << round;
    schema::Table content;
    AddContent(kOther, model, after, content);
    ASSERT_EQ(Applied({}, content, model), after) << round;
    ASSERT_EQ(Applied(after, difference), after) << round << ": not idempotent";
  }
}

}  // namespace
}  // namespace fv::recording
