// SPDX-License-Identifier: Apache-2.0
//
// Random histories of a synthetic guest: after each step the state rebuilt from the changes alone
// is the guest's own, as a snapshot that knows nothing of the past has it.
#include "src/recording/state_differ.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "src/inspect/snapshot_reader.h"
#include "src/oracle/testing/random_history.h"
#include "src/recording/state.h"

namespace fv::recording {
namespace {

using oracle::testing::GuestBuilder;
using oracle::testing::GuestPtr;
using ::testing::IsEmpty;

// A guest under random operations, and its state rebuilt from the changes.
class World : public oracle::testing::RandomHistory {
 public:
  explicit World(uint32_t seed) : RandomHistory(seed), differ_(g().memory(), g().channel()) {}

  // The change since the last call, applied; the state after it.
  const schema::Change& Step() {
    change_.Clear();
    EXPECT_TRUE(differ_.Step(g().dirty(), g().TakeEvents(), change_).ok());
    g().ClearDirty();
    const absl::Status applied = Apply(change_, state_);
    EXPECT_TRUE(applied.ok()) << applied;
    return change_;
  }
  std::vector<std::string> Wrong() {
    inspect::Snapshot snapshot;
    inspect::SnapshotReader reader(g().memory(), g().channel());
    EXPECT_TRUE(reader.ReadInto(snapshot).ok());
    return Differences(state_, StateOf(snapshot));
  }

  // What a recording looks at, as ranges of guest-physical addresses.
  std::vector<std::pair<uint64_t, uint64_t>> Places() {
    std::vector<std::pair<uint64_t, uint64_t>> places;
    const auto add = [&](GuestPtr record, uint64_t bytes) {
      places.emplace_back(proto::PhysOfDirectMap(record), bytes);
    };
    for (const auto& [task, mm] : processes()) {
      add(task, sizeof(proto::TaskRecord));
      add(mm, sizeof(proto::MmRecord));
      for (const GuestPtr vma : g().Vmas(mm)) add(vma, sizeof(proto::VmaRecord));
      places.emplace_back(g().Peek<proto::MmRecord>(mm).root_gpa, 64);
      places.emplace_back(g().PteGpa(mm, oracle::testing::kHeapAt, GuestBuilder::Tables::kFind),
                          64);
    }
    add(g().header().frame_table, sizeof(proto::FrameRecord) * 0x400);
    return places;
  }
  // Flips a bit of one of them.
  void Damage(const std::vector<std::pair<uint64_t, uint64_t>>& places) {
    const auto& [gpa, bytes] = places[Random(places.size())];
    *g().At<uint64_t>(gpa + 8 * Random(bytes / 8)) ^= uint64_t{1} << Random(64);
  }

 private:
  StateDiffer differ_;
  schema::Change change_;
  State state_;
};

class Histories : public ::testing::TestWithParam<uint32_t> {};

TEST_P(Histories, TheRebuiltStateIsTheGuests) {
  World world(GetParam());
  for (int i = 0; i < 150; ++i) {
    world.Step();
    ASSERT_THAT(world.Wrong(), IsEmpty()) << "operation " << i;
    for (uint64_t n = world.Random(3); n != 0; --n) world.Operate();
    world.Operate();
  }
}

// A guest that is broken at random is recorded as far as it can be read, and what is recorded fits
// together.
TEST_P(Histories, DamageIsSurvived) {
  World world(GetParam());
  world.Step();
  for (int i = 0; i < 40; ++i) {
    world.Operate();
    world.Step();
  }
  const auto places = world.Places();
  for (int i = 0; i < 300; ++i) {
    world.Damage(places);
    world.Step();
  }
}

INSTANTIATE_TEST_SUITE_P(Seeds, Histories, ::testing::Range(1u, 21u));

TEST(StateDifferTest, NothingChangedIsNoChange) {
  World world(1);
  EXPECT_GT(world.Step().ByteSizeLong(), 100u);
  EXPECT_EQ(world.Step().ByteSizeLong(), 0u);
}

TEST(StateDifferTest, AFalseAlarmIsNoChange) {
  World world(1);
  world.Step();
  const GuestPtr mm = world.sample().mm;
  world.g().At<uint64_t>(world.g().Peek<proto::MmRecord>(mm).root_gpa);
  world.g().Ptr<proto::MmRecord>(mm);
  world.g().Ptr<proto::TaskRecord>(world.sample().parent);
  EXPECT_EQ(world.Step().ByteSizeLong(), 0u);
}

TEST(StateDifferTest, AForkIsACopy) {
  World world(1);
  world.Step();
  world.g().Fork(world.sample().parent, 77);
  const schema::Change& change = world.Step();
  int copies = 0;
  for (const schema::Table& table : change.tables()) copies += table.has_copy();
  EXPECT_GT(copies, 0);
  EXPECT_NE(change.mms(change.mms_size() - 1).vmas_of(), 0u);
  EXPECT_THAT(world.Wrong(), IsEmpty());
}

TEST(StateDifferTest, AWrongStateIsNoticed) {
  World world(1);
  world.Step();
  world.g().Touch(world.sample().mm, world.sample().heap, oracle::testing::kHeapAt,
                  oracle::testing::Access::kWrite);
  // Not told of: the state is one step old.
  EXPECT_FALSE(world.Wrong().empty());
}

TEST(ApplyTest, RefusesWhatDoesNotFit) {
  const auto refuses = [](auto fill) {
    schema::Change change;
    fill(change);
    State state;
    state.tables[1] = {1, {}};
    return !Apply(change, state).ok();
  };
  EXPECT_TRUE(refuses([](schema::Change& change) { change.add_tables()->set_frame(9); }));
  const auto table_with = [&](auto fill) {
    return refuses([&](schema::Change& change) {
      schema::Table& table = *change.add_tables();
      table.set_frame(1);
      fill(table);
    });
  };
  EXPECT_FALSE(table_with([](schema::Table&) {}));
  EXPECT_TRUE(table_with([](schema::Table& table) { table.mutable_copy()->set_from(3); }));
  EXPECT_TRUE(table_with([](schema::Table& table) {
    table.mutable_copy()->set_from(1);
    table.mutable_copy()->set_first(600);
  }));
  EXPECT_TRUE(table_with([](schema::Table& table) { table.add_flags()->set_first(512); }));
  EXPECT_TRUE(table_with([](schema::Table& table) {
    table.add_entries()->set_first(500);
    table.mutable_entries(0)->set_count(0xFFFFFFFF);
  }));
  EXPECT_TRUE(table_with([](schema::Table& table) {
    table.add_entries()->set_count(3);
    table.mutable_entries(0)->set_frames(schema::EntryRun::STEPS);
  }));
  EXPECT_TRUE(refuses([](schema::Change& change) {
    change.add_mms()->set_id(1);
    change.mutable_mms(0)->set_vmas_of(5);
  }));
}

}  // namespace
}  // namespace fv::recording
