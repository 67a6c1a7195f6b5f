// SPDX-License-Identifier: Apache-2.0
#include "src/model/region_map.h"

#include <gtest/gtest.h>

#include <map>
#include <random>

namespace fv::model {
namespace {

constexpr uint64_t kPage = proto::kPageBytes;
constexpr uint64_t kPrivate = proto::kVmRead | proto::kVmWrite;

Region Anonymous(uint64_t first, uint64_t last, uint64_t flags = kPrivate) {
  return {first * kPage, last * kPage, flags};
}

TEST(RegionMapTest, NeighboursThatAgreeAreOneRegion) {
  RegionMap map;
  map.Map(Anonymous(1, 3));
  map.Map(Anonymous(5, 6));
  map.Map(Anonymous(3, 5));
  ASSERT_EQ(map.list().size(), 1u);
  EXPECT_EQ(map.list()[0], Anonymous(1, 6));
}

TEST(RegionMapTest, AHoleSplitsAndKeepsTheObjectsPages) {
  RegionMap map;
  map.Map({kPage, 9 * kPage, kPrivate, 0x1000, 0});
  map.SetObject(kPage, 9 * kPage, 0x1000, 100);
  map.Unmap(3 * kPage, 5 * kPage);
  ASSERT_EQ(map.list().size(), 2u);
  EXPECT_EQ(map.Find(3 * kPage), nullptr);
  EXPECT_EQ(map.Find(2 * kPage)->IndexOf(2 * kPage), 101u);
  EXPECT_EQ(map.Find(5 * kPage)->IndexOf(5 * kPage), 104u);
}

TEST(RegionMapTest, ACopyIsItsOwnOnceOneChanges) {
  RegionMap map;
  map.Map(Anonymous(1, 3));
  RegionMap copy = map;
  copy.SetFlags(kPage, 2 * kPage, proto::kVmRead);
  EXPECT_EQ(map.list().size(), 1u);
  EXPECT_EQ(copy.list().size(), 2u);
  EXPECT_TRUE(copy.AnyHas(proto::kVmWrite));
  copy.SetFlags(2 * kPage, 3 * kPage, proto::kVmRead);
  EXPECT_FALSE(copy.AnyHas(proto::kVmWrite));
  EXPECT_EQ(copy.list().size(), 1u);
}

// Random changes against a map of single pages; the list stays sorted, disjoint and joined.
TEST(RegionMapTest, AgreesWithSinglePages) {
  for (unsigned seed = 1; seed <= 50; ++seed) {
    std::mt19937 random(seed);
    auto below = [&](uint64_t limit) { return random() % limit; };
    RegionMap map;
    std::map<uint64_t, Region> pages;
    for (unsigned step = 0; step < 200; ++step) {
      const uint64_t first = below(40);
      const uint64_t last = first + 1 + below(8);
      const uint64_t flags = below(2) == 0 ? kPrivate : proto::kVmRead;
      const uint64_t object = below(3) * 0x1000;
      const uint64_t index = below(3);
      const uint64_t choice = below(4);
      if (choice == 0) {
        map.Map({first * kPage, last * kPage, flags, object, index});
      } else if (choice == 1) {
        map.Unmap(first * kPage, last * kPage);
      } else if (choice == 2) {
        map.SetFlags(first * kPage, last * kPage, flags);
      } else {
        map.SetObject(first * kPage, last * kPage, object, index);
      }
      for (uint64_t page = first; page < last; ++page) {
        const uint64_t start = page * kPage;
        if (choice == 0) {
          pages[page] = {start, start + kPage, flags, object, index + page - first};
        } else if (choice == 1) {
          pages.erase(page);
        } else if (pages.contains(page) && choice == 2) {
          pages[page].flags = flags;
        } else if (pages.contains(page)) {
          pages[page].object = object;
          pages[page].index = index + page - first;
        }
      }
      for (uint64_t page = 0; page < 60; ++page) {
        const Region* found = map.Find(page * kPage);
        ASSERT_EQ(found != nullptr, pages.contains(page)) << seed << " " << step << " " << page;
        if (found != nullptr) {
          ASSERT_EQ(found->flags, pages[page].flags);
          ASSERT_EQ(found->object, pages[page].object);
          if (found->object != 0) {
            ASSERT_EQ(found->IndexOf(page * kPage), pages[page].index);
          }
        }
      }
      for (size_t i = 1; i < map.list().size(); ++i) {
        ASSERT_LE(map.list()[i - 1].end, map.list()[i].start);
      }
    }
  }
}

}  // namespace
}  // namespace fv::model
