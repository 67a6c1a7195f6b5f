// SPDX-License-Identifier: Apache-2.0
//
// The model against an interpreter that copies every byte at a fork: random histories in which the
// model's rights decide whether a write goes straight through or makes a version first. If it ever
// allowed too much, some other process of the interpreter's would disagree about its bytes.
#include "src/model/world.h"

#include <gtest/gtest.h>

#include <array>
#include <map>
#include <random>
#include <set>
#include <vector>

namespace fv::model {
namespace {

constexpr uint64_t kPage = proto::kPageBytes;
constexpr uint64_t kPages = uint64_t{3} * kPagesPerBlock;  // of user space that histories use
constexpr uint64_t kBase = kPagesPerBlock - 20;            // so that ranges cross blocks
constexpr uint64_t kUsed = 60;
using Bytes = std::array<uint8_t, 4>;

struct PlainPage {
  uint64_t flags;
  GuestPtr object;
  uint64_t index;
  bool written;  // a private page of its own
  Bytes bytes;
};
using PlainSpace = std::map<uint64_t, PlainPage>;

// Both worlds, and one history for them.
class History {
 public:
  explicit History(unsigned seed) : random_(seed), world_(4096) {
    Map(NewSpace());
    Map(spaces_.begin()->first);
  }

  void Step() {
    auto at = spaces_.begin();
    std::advance(at, static_cast<int64_t>(Below(spaces_.size())));
    const GuestPtr mm = at->first;
    switch (Below(16)) {
      case 0:
        return Fork(mm);
      case 1:
        return Below(3) == 0 ? Exit(mm) : void();
      case 2:
        return Map(mm);
      case 3:
        return Unmap(mm);
      case 4:
        return SetFlags(mm);
      case 5:
        return Discard(mm);
      case 6:
        return Move(mm);
      case 7:
        return world_.BeginInterval();
      default:
        return Write(mm);
    }
  }

  void Check() {
    ASSERT_FALSE(world_.lost());
    ASSERT_FALSE(world_.interval().contradiction) << *world_.interval().contradiction;
    std::map<VersionId, unsigned> shown;
    for (const auto& [mm, plain] : spaces_) {
      for (const auto& entry : plain) {
        shown[world_.Look(mm, entry.first).version] += 1;
      }
    }
    shown.erase(0);
    ASSERT_EQ(world_.versions(), shown.size());
    for (const auto& [mm, plain] : spaces_) {
      for (uint64_t page = kBase; page < kBase + kUsed + 60; ++page) {
        const Sight sight = world_.Look(mm, page);
        const auto found = plain.find(page);
        ASSERT_EQ(sight.kind == Sight::Kind::kNothing, found == plain.end());
        if (found == plain.end()) {
          continue;
        }
        ASSERT_EQ(BytesOf(sight), Plain(found->second)) << "page " << page << " of " << mm;
        ASSERT_EQ(sight.kind == Sight::Kind::kVersion, found->second.written);
        if (sight.kind == Sight::Kind::kVersion) {
          ASSERT_EQ(world_.Find(mm)->pages.IsExclusive(page), shown[sight.version] == 1);
        }
      }
    }
  }

 private:
  uint64_t Below(uint64_t limit) { return random_() % limit; }

  GuestPtr NewSpace() {
    const GuestPtr mm = ++last_mm_ * 64;
    spaces_[mm];
    return mm;
  }

  Bytes BytesOf(const Sight& sight) {
    switch (sight.kind) {
      case Sight::Kind::kObject:
        return objects_[{sight.object, sight.index}];
      case Sight::Kind::kVersion:
        return contents_[sight.version];
      default:
        return {};
    }
  }
  Bytes Plain(const PlainPage& page) {
    return page.written || page.object == 0 ? page.bytes : objects_[{page.object, page.index}];
  }

  struct Range {
    uint64_t first;
    uint64_t last;
  };
  Range RandomRange() {
    const uint64_t first = kBase + Below(kUsed - 12);
    return {first, first + 1 + Below(12)};
  }

  void Map(GuestPtr mm) {
    const Range range = RandomRange();
    const uint64_t kind = Below(4);  // anonymous, private file, shared
    const GuestPtr object = kind < 2 ? 0 : 0x10000 * (1 + Below(2));
    const uint64_t index = Below(4);
    const uint64_t flags = proto::kVmRead | proto::kVmWrite | (kind == 3 ? proto::kVmShared : 0u);
    world_.Map(mm, {range.first * kPage, range.last * kPage, flags, object, 0});
    if (object != 0) {
      world_.SetObject(mm, range.first * kPage, range.last * kPage, object, index);
    }
    for (uint64_t page = range.first; page < range.last; ++page) {
      spaces_[mm][page] = {flags, object, index + page - range.first, false, {}};
    }
  }

  void Unmap(GuestPtr mm) {
    const Range range = RandomRange();
    if (world_.Find(mm) == nullptr) {
      return;
    }
    world_.Unmap(mm, range.first * kPage, range.last * kPage);
    for (uint64_t page = range.first; page < range.last; ++page) {
      spaces_[mm].erase(page);
    }
  }

  // mprotect, MADV_DONTFORK, MADV_WIPEONFORK: of one page's kind at a time, as the kernel does.
  void SetFlags(GuestPtr mm) {
    const uint64_t choices[] = {proto::kVmWrite, proto::kVmDontCopy, proto::kVmWipeOnFork};
    const uint64_t toggled = choices[Below(3)];
    const Range range = RandomRange();
    for (uint64_t page = range.first; page < range.last; ++page) {
      const auto found = spaces_[mm].find(page);
      if (found == spaces_[mm].end() ||
          (toggled == proto::kVmWipeOnFork && found->second.object != 0)) {
        continue;
      }
      found->second.flags ^= toggled;
      world_.SetFlags(mm, page * kPage, (page + 1) * kPage, found->second.flags);
    }
  }

  void Discard(GuestPtr mm) {
    const Range range = RandomRange();
    if (world_.Find(mm) == nullptr) {
      return;
    }
    world_.Discard(mm, range.first * kPage, range.last * kPage);
    for (uint64_t page = range.first; page < range.last; ++page) {
      if (const auto found = spaces_[mm].find(page); found != spaces_[mm].end()) {
        found->second.written = false;
        found->second.bytes = {};
      }
    }
  }

  // mremap of one mapping's pages to a free place.
  void Move(GuestPtr mm) {
    const Range range = RandomRange();
    const uint64_t count = range.last - range.first;
    const uint64_t to = kBase + kUsed + 8 + Below(40);
    PlainSpace& plain = spaces_[mm];
    const auto first = plain.find(range.first);
    if (first == plain.end() || world_.Find(mm) == nullptr) {
      return;
    }
    for (uint64_t i = 0; i < count; ++i) {
      const auto at = plain.find(range.first + i);
      if (at == plain.end() || at->second.flags != first->second.flags ||
          at->second.object != first->second.object ||
          (at->second.object != 0 && at->second.index != first->second.index + i) ||
          plain.contains(to + i)) {
        return;
      }
    }
    const PlainPage like = first->second;
    const uint64_t source = range.first * kPage;
    const uint64_t target = to * kPage;
    world_.Map(mm, {target, target + count * kPage, like.flags, like.object, 0});
    world_.SetObject(mm, target, target + count * kPage, like.object, like.index);
    world_.Move(mm, source, target, count * kPage);
    world_.Unmap(mm, source, source + count * kPage);
    for (uint64_t i = 0; i < count; ++i) {
      plain[to + i] = plain[range.first + i];
      plain.erase(range.first + i);
    }
  }

  void Fork(GuestPtr mm) {
    if (spaces_.size() >= 6 || world_.Find(mm) == nullptr) {
      return;
    }
    const GuestPtr child = NewSpace();
    world_.Copy(mm, child);
    for (const auto& [page, plain] : spaces_[mm]) {
      if ((plain.flags & proto::kVmDontCopy) != 0) {
        continue;
      }
      PlainPage copy = plain;
      if ((plain.flags & proto::kVmWipeOnFork) != 0) {
        copy.written = false;
        copy.bytes = {};
      }
      spaces_[child][page] = copy;
    }
  }

  void Exit(GuestPtr mm) {
    if (spaces_.size() > 1) {
      world_.End(mm);
      spaces_.erase(mm);
    }
  }

  void Write(GuestPtr mm) {
    const uint64_t page = kBase + Below(kUsed + 48);
    const auto found = spaces_[mm].find(page);
    if (found == spaces_[mm].end() || (found->second.flags & proto::kVmWrite) == 0) {
      return;
    }
    PlainPage& plain = found->second;
    const size_t where = Below(4);
    const uint8_t what = static_cast<uint8_t>(random_());
    if ((plain.flags & proto::kVmShared) != 0) {
      objects_[{plain.object, plain.index}][where] = what;
      return;
    }
    if (!plain.written) {
      plain.bytes = Plain(plain);
      plain.written = true;
    }
    plain.bytes[where] = what;
    // What the model forbids needs a version first; a kernel may also make one without need.
    if (!world_.Find(mm)->pages.IsExclusive(page) || Below(8) == 0) {
      const Bytes before = BytesOf(world_.Look(mm, page));
      world_.Own(mm, page * kPage, (page + 1) * kPage);
      contents_[world_.Look(mm, page).version] = before;
    }
    contents_[world_.Look(mm, page).version][where] = what;
  }

  std::mt19937 random_;
  World world_;
  GuestPtr last_mm_ = 0;
  std::map<GuestPtr, PlainSpace> spaces_;
  std::map<VersionId, Bytes> contents_;
  std::map<std::pair<GuestPtr, uint64_t>, Bytes> objects_;
};

TEST(WorldTest, EveryPageShowsTheBytesThatACopyOfEverythingWouldShow) {
  for (unsigned seed = 1; seed <= 60; ++seed) {
    History history(seed);
    for (unsigned step = 0; step < 400; ++step) {
      history.Step();
      if (step % 4 == 0) {
        history.Check();
        ASSERT_FALSE(::testing::Test::HasFatalFailure()) << "seed " << seed << " step " << step;
      }
    }
  }
}

constexpr GuestPtr kParent = 0x1000;
constexpr GuestPtr kChild = 0x2000;
constexpr uint64_t kWritable = proto::kVmRead | proto::kVmWrite;

class WorldTwo : public ::testing::Test {
 protected:
  WorldTwo() { world_.Map(kParent, {kPage, 9 * kPage, kWritable}); }
  World world_{kPages};
};

TEST_F(WorldTwo, BirthsSayWhatThePageShowedBefore) {
  world_.Own(kParent, kPage, 2 * kPage);
  const VersionId first = world_.Look(kParent, 1).version;
  world_.Copy(kParent, kChild);
  world_.Own(kChild, kPage, 2 * kPage);
  ASSERT_EQ(world_.interval().births.size(), 2u);
  EXPECT_EQ(world_.interval().births[0].before.kind, Sight::Kind::kZeros);
  EXPECT_EQ(world_.interval().births[1].before.version, first);
  EXPECT_EQ(world_.interval().births[1].mm, kChild);
}

TEST_F(WorldTwo, WhoRanLastRunsOnInTheNextInterval) {
  world_.Run(kParent);
  world_.BeginInterval();
  EXPECT_EQ(world_.interval().ran, std::vector<GuestPtr>{kParent});
  world_.Run(0);
  world_.BeginInterval();
  EXPECT_TRUE(world_.interval().ran.empty());
}

TEST_F(WorldTwo, AKernelWriteIntoSharedMemoryIsAWriteToTheObject) {
  world_.Map(kParent, {20 * kPage, 24 * kPage, kWritable | proto::kVmShared, 0x9000, 0});
  world_.SetObject(kParent, 20 * kPage, 24 * kPage, 0x9000, 7);
  world_.UserWrite(kParent, 21 * kPage + 4000, 200);
  EXPECT_TRUE(world_.interval().object_written.Contains(0x9000, 8));
  EXPECT_TRUE(world_.interval().object_written.Contains(0x9000, 9));
  EXPECT_FALSE(world_.interval().object_written.Contains(0x9000, 7));
  EXPECT_FALSE(world_.interval().object_written.Contains(0x9000, 10));
  EXPECT_TRUE(world_.interval().written.Contains(kParent, 21));
}

TEST_F(WorldTwo, WhatCannotBeIsAContradictionAndChangesNothing) {
  world_.Own(kParent, 30 * kPage, 31 * kPage);
  EXPECT_TRUE(world_.interval().contradiction);
  world_.BeginInterval();
  EXPECT_FALSE(world_.interval().contradiction);
  world_.Map(kParent, {40 * kPage, 41 * kPage, kWritable | proto::kVmShared, 0x9000, 0});
  world_.Own(kParent, 40 * kPage, 41 * kPage);
  EXPECT_TRUE(world_.interval().contradiction) << "shared memory has no versions";
  world_.BeginInterval();
  world_.Own(kChild, kPage, 2 * kPage);
  EXPECT_TRUE(world_.interval().contradiction) << "nobody knows the child";
  EXPECT_EQ(world_.versions(), 0u);
  EXPECT_FALSE(world_.lost());
}

TEST_F(WorldTwo, MoreVersionsThanFramesLoseTheWorld) {
  World small(4);
  small.Map(kParent, {kPage, 9 * kPage, kWritable});
  small.Own(kParent, kPage, 9 * kPage);
  EXPECT_TRUE(small.lost());
  small.BeginInterval();
  EXPECT_TRUE(small.lost());
  EXPECT_EQ(small.Find(kParent), nullptr);
}

// Any number of events in one interval, each about all mappings.
TEST(WorldTest, KernelWritesOverManyMappingsAreWorkToo) {
  constexpr GuestPtr kMm = 0x1000;
  constexpr uint64_t kMappings = 4000;
  World world(16);
  for (uint64_t i = 0; i < kMappings; ++i) {
    const uint64_t start = 2 * i * kPage;
    world.Map(kMm, {start, start + kPage, proto::kVmRead | proto::kVmShared, 0x2000, i});
  }
  world.BeginInterval();
  ASSERT_FALSE(world.lost());
  for (unsigned i = 0; i < 5000 && !world.lost(); ++i) {
    world.UserWrite(kMm, 0, 2 * kMappings * kPage);
  }
  EXPECT_TRUE(world.lost());
}

TEST_F(WorldTwo, AForkLeavesOutWhatIsNotCopied) {
  for (uint64_t i = 0; i < 6; ++i) {
    const uint64_t flags = kWritable | (i % 2 == 0 ? 0 : proto::kVmDontCopy);
    world_.Map(kParent, {i * kPage, (i + 1) * kPage, flags});
    world_.Own(kParent, i * kPage, (i + 1) * kPage);
  }
  world_.Copy(kParent, kChild);
  for (uint64_t i = 0; i < 6; ++i) {
    const Sight::Kind kind = world_.Look(kChild, i).kind;
    EXPECT_EQ(kind, i % 2 == 0 ? Sight::Kind::kVersion : Sight::Kind::kNothing) << i;
    EXPECT_EQ(world_.Look(kParent, i).kind, Sight::Kind::kVersion) << i;
  }
}

TEST(PageSetTest, RangesJoinAndTooManyContainEverything) {
  PageSet set;
  EXPECT_TRUE(set.empty());
  set.Add(1, 10, 12);
  set.Add(1, 12, 14);
  set.Add(2, 11, 12);
  set.Add(1, 5, 6);
  for (const uint64_t page : {5, 10, 11, 12, 13}) {
    EXPECT_TRUE(set.Contains(1, page)) << page;
  }
  for (const uint64_t page : {4, 6, 9, 14}) {
    EXPECT_FALSE(set.Contains(1, page)) << page;
  }
  EXPECT_FALSE(set.Contains(2, 10));
  for (uint64_t i = 0; i < 20'000; ++i) {
    set.Add(3, 3 * i, 3 * i + 1);
  }
  EXPECT_TRUE(set.Contains(4, 1));
  set.Clear();
  EXPECT_FALSE(set.Contains(4, 1));
}

}  // namespace
}  // namespace fv::model
