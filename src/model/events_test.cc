// SPDX-License-Identifier: Apache-2.0
#include "src/model/events.h"

#include <gtest/gtest.h>

#include <optional>
#include <random>

namespace fv::model {
namespace {

using proto::EventKind;
using proto::EventRecord;

constexpr uint64_t kPage = proto::kPageBytes;
constexpr uint64_t kWritable = proto::kVmRead | proto::kVmWrite;
constexpr GuestPtr kMm = 0x1000;

EventRecord Event(EventKind kind, uint64_t a, uint64_t b = 0, uint64_t c = 0, uint64_t d = 0,
                  uint64_t e = 0) {
  return {0, 0, kind, 0, 1, a, b, c, d, e};
}

TEST(ModelEvents, AStoryIsFollowed) {
  World world(1024);
  Follow(Event(EventKind::kMap, 16 * kPage, 24 * kPage, kWritable, 0, kMm), world);
  Follow(Event(EventKind::kMap, 32 * kPage, 34 * kPage, kWritable, 0x9000, kMm), world);
  Follow(Event(EventKind::kMapObject, kMm, 32 * kPage, 34 * kPage, 0x9000, 3), world);
  Follow(Event(EventKind::kExec, 0, 0, 0, kMm), world);
  Follow(Event(EventKind::kOwn, kMm, 17 * kPage, 18 * kPage), world);
  EXPECT_EQ(world.running(), kMm);
  EXPECT_EQ(world.Look(kMm, 16).kind, Sight::Kind::kZeros);
  EXPECT_EQ(world.Look(kMm, 17).kind, Sight::Kind::kVersion);
  EXPECT_EQ(world.Look(kMm, 33).index, 4u);
  Follow(Event(EventKind::kMmCopy, kMm, 0x2000), world);
  EXPECT_EQ(world.Look(0x2000, 17).version, world.Look(kMm, 17).version);
  Follow(Event(EventKind::kUnmap, 17 * kPage, 18 * kPage, kMm), world);
  EXPECT_EQ(world.Look(kMm, 17).kind, Sight::Kind::kNothing);
  Follow(Event(EventKind::kSwitch, 1, 2, 0x2000), world);
  Follow(Event(EventKind::kMmEnd, kMm), world);
  EXPECT_EQ(world.Find(kMm), nullptr);
  EXPECT_TRUE(world.Find(0x2000)->pages.IsExclusive(17));
  EXPECT_FALSE(world.interval().contradiction);
}

TEST(ModelEvents, ImpossibleRangesAreContradictions) {
  for (const EventRecord& event :
       {Event(EventKind::kMap, 24 * kPage, 16 * kPage, kWritable, 0, kMm),
        Event(EventKind::kMap, 16 * kPage + 1, 17 * kPage, kWritable, 0, kMm),
        Event(EventKind::kOwn, kMm, kPage, proto::kUserEnd + kPage),
        Event(EventKind::kUserWrite, kMm, ~uint64_t{0}, 2),
        Event(EventKind::kMove, kMm, kPage, 2 * kPage, ~uint64_t{0} << 12)}) {
    World world(1024);
    Follow(event, world);
    EXPECT_TRUE(world.interval().contradiction) << static_cast<int>(event.kind);
  }
}

// Any words at all, near what makes sense so that much of it is believed. ASan and the test's time
// limit are the judges.
TEST(ModelEvents, NoEventCrashesOrStallsTheModel) {
  std::mt19937_64 random(1);
  std::optional<World> world(4096);
  auto word = [&]() -> uint64_t {
    switch (random() % 6) {
      case 0:
        return random();
      case 1:
        return random() % 16 * 0x1000;
      case 2:
        return proto::kUserEnd - random() % 4 * kPage;
      case 3:
        return ~uint64_t{0} - random() % 4;
      default:
        return random() % 4096 * kPage;
    }
  };
  for (unsigned i = 0; i < 300'000; ++i) {
    const auto kind =
        static_cast<EventKind>(random() % (static_cast<unsigned>(EventKind::kCount) + 2));
    Follow({i, 0, kind, 0, 1, word(), word(), word(), word(), word()}, *world);
    if (random() % 512 == 0) {
      world->BeginInterval();
      if (world->lost()) {
        world.emplace(4096);
      }
    }
  }
  EXPECT_LE(world->versions(), 4096u);
}

}  // namespace
}  // namespace fv::model
