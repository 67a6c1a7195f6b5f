// SPDX-License-Identifier: Apache-2.0
#include "src/model/page_map.h"

#include <gtest/gtest.h>

#include <map>
#include <random>
#include <set>
#include <vector>

namespace fv::model {
namespace {

class PageMaps : public ::testing::Test {
 protected:
  VersionPool pool_{1000};
};

TEST_F(PageMaps, ACopySharesUntilOneOfThemWrites) {
  PageMap parent(pool_);
  parent.Set(5, pool_.Make());
  EXPECT_TRUE(parent.IsExclusive(5));
  PageMap child = parent;
  EXPECT_EQ(child.At(5), parent.At(5));
  EXPECT_FALSE(parent.IsExclusive(5));
  EXPECT_FALSE(child.IsExclusive(5));
  child.Set(5, pool_.Make());
  EXPECT_NE(child.At(5), parent.At(5));
  EXPECT_TRUE(child.IsExclusive(5));
  EXPECT_TRUE(parent.IsExclusive(5));
}

TEST_F(PageMaps, AWriteBesideDoesNotMakeAPageExclusive) {
  PageMap parent(pool_);
  parent.Set(5, pool_.Make());
  PageMap child = parent;
  child.Set(6, pool_.Make());  // the block is the child's own now, the version of page 5 is not
  EXPECT_TRUE(child.IsExclusive(6));
  EXPECT_FALSE(child.IsExclusive(5));
  EXPECT_FALSE(parent.IsExclusive(5));
}

TEST_F(PageMaps, TheLastHolderIsExclusiveThroughGenerations) {
  PageMap first(pool_);
  first.Set(7, pool_.Make());
  {
    // NOLINTNEXTLINE(performance-unnecessary-copy-initialization): one more holder
    PageMap second = first;
    PageMap third = second;
    third.Set(8, pool_.Make());
    EXPECT_FALSE(first.IsExclusive(7));
  }
  EXPECT_TRUE(first.IsExclusive(7));
  EXPECT_EQ(pool_.live(), 1u);
}

TEST_F(PageMaps, AVersionThatNobodyHoldsIsDeadForEver) {
  PageMap map(pool_);
  const VersionId version = pool_.Make();
  map.Set(1, version);
  map.Set(1, 0);
  EXPECT_FALSE(pool_.Alive(version));
  const VersionId next = pool_.Make();
  EXPECT_EQ(VersionPool::PlaceOf(next), VersionPool::PlaceOf(version)) << "the place is used again";
  EXPECT_NE(next, version);
  EXPECT_FALSE(pool_.Alive(version));
  pool_.Unref(next);
}

TEST_F(PageMaps, ThePoolIsBounded) {
  VersionPool small(2);
  EXPECT_NE(small.Make(), 0u);
  EXPECT_NE(small.Make(), 0u);
  EXPECT_EQ(small.Make(), 0u);
  EXPECT_FALSE(small.Alive(0));
  EXPECT_FALSE(small.Alive(~VersionId{0}));
}

// Random histories of several maps against plain ones.
TEST_F(PageMaps, AgreesWithPlainMaps) {
  constexpr uint64_t kPages = uint64_t{3} * kPagesPerBlock;
  for (unsigned seed = 1; seed <= 20; ++seed) {
    std::mt19937 random(seed);
    auto below = [&](uint64_t limit) { return random() % limit; };
    {
      std::vector<PageMap> maps(1, PageMap(pool_));
      std::vector<std::map<uint64_t, VersionId>> plain(1);
      for (unsigned step = 0; step < 400; ++step) {
        const size_t which = below(maps.size());
        const uint64_t page = below(kPages);
        const uint64_t count = 1 + below(below(4) == 0 ? kPages / 3 : 4);
        switch (below(6)) {
          case 0:
            if (maps.size() < 6) {
              maps.push_back(maps[which]);
              plain.push_back(plain[which]);
            }
            break;
          case 1:
            if (maps.size() > 1 && below(3) == 0) {
              maps.erase(maps.begin() + static_cast<int64_t>(which));
              plain.erase(plain.begin() + static_cast<int64_t>(which));
            }
            break;
          case 2:
            (void)maps[which].Clear(page, page + count);
            std::erase_if(plain[which], [&](const auto& entry) {
              return entry.first >= page && entry.first < page + count;
            });
            break;
          case 3: {
            const uint64_t to = page + count + below(kPages);
            maps[which].Move(page, to, count);
            std::map<uint64_t, VersionId> moved;
            for (const auto& [at, version] : plain[which]) {
              if (at >= page && at < page + count) {
                moved[at - page + to] = version;
              } else if (at < to || at >= to + count) {
                moved[at] = version;
              }
            }
            plain[which] = moved;
            break;
          }
          default:
            if (const VersionId version = pool_.Make(); version != 0) {
              maps[which].Set(page, version);
              plain[which][page] = version;
            }
        }
        std::map<VersionId, unsigned> holders;
        for (const auto& one : plain) {
          for (const auto& entry : one) {
            ++holders[entry.second];
          }
        }
        ASSERT_EQ(pool_.live(), holders.size()) << seed << " " << step;
        for (size_t i = 0; i < maps.size(); ++i) {
          for (const auto& [at, version] : plain[i]) {
            ASSERT_EQ(maps[i].At(at), version);
            ASSERT_EQ(maps[i].IsExclusive(at), holders[version] == 1);
          }
          std::set<uint64_t> blocks;
          for (const auto& entry : plain[i]) {
            blocks.insert(entry.first >> kBlockShift);
          }
          std::set<uint64_t> found;
          maps[i].ForEachBlock(0, ~uint64_t{0}, [&](uint64_t number) { found.insert(number); });
          ASSERT_EQ(found, blocks);
        }
      }
    }
    ASSERT_EQ(pool_.live(), 0u);
  }
}

}  // namespace
}  // namespace fv::model
