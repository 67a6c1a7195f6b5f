// SPDX-License-Identifier: Apache-2.0
//
// Which version each page of an address space shows. Persistent: a copy costs nothing and shares
// everything; who writes to a copy first makes its own index and its own block of 512 pages. So a
// fork is cheap, and "nobody else sees this page" can be read off the path to it, through any
// number of generations.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <vector>

#include "proto/layout.h"
#include "src/model/version_pool.h"

namespace fv::model {

inline constexpr unsigned kPagesPerBlock = 512;
inline constexpr unsigned kBlockShift = 9;
inline uint64_t PageOf(uint64_t address) { return address >> proto::kPageShift; }
using BlockVersions = std::array<VersionId, kPagesPerBlock>;

class PageMap {
 public:
  // `pool` must outlive the map and its copies.
  explicit PageMap(VersionPool& pool) : pool_(&pool) {}

  // The version that `page` (a page number) shows; 0: nobody wrote there.
  VersionId At(uint64_t page) const;
  // Takes over one holder of `version`; 0 forgets the page.
  void Set(uint64_t page, VersionId version);
  // Forgets the pages [first, last). Returns whether there were any.
  bool Clear(uint64_t first, uint64_t last);
  // The pages [from, from + count) are afterwards at `to`; what was there is forgotten.
  void Move(uint64_t from, uint64_t to, uint64_t count);

  // The pages of a block (page >> kBlockShift), or nullptr if none of it was written.
  const BlockVersions* FindBlock(uint64_t block) const;
  // No other map shows this block's pages through the same block.
  bool IsBlockOwn(uint64_t block) const;
  // The page shows a version, and no other page of any map does.
  bool IsExclusive(uint64_t page) const;

  // Calls visit(block number) for each block with a written page that reaches into the pages
  // [first, last), ascending.
  template <typename Visit>
  void ForEachBlock(uint64_t first, uint64_t last, Visit visit) const {
    if (index_ == nullptr || first >= last) {
      return;
    }
    for (auto at = Place(*index_, first >> kBlockShift);
         at != index_->end() && at->number <= (last - 1) >> kBlockShift; ++at) {
      visit(at->number);
    }
  }
  uint64_t block_count() const { return index_ == nullptr ? 0 : index_->size(); }

 private:
  // Holds one reference for each version in it.
  struct Block {
    explicit Block(VersionPool& versions) : pool(&versions) {}
    Block(const Block& other);
    Block& operator=(const Block&) = delete;
    ~Block();

    VersionPool* pool;
    unsigned used = 0;
    BlockVersions pages{};
  };
  struct Entry {
    uint64_t number;
    std::shared_ptr<Block> block;
  };
  using Index = std::vector<Entry>;

  const Entry* Find(uint64_t number) const;
  // This map's own index; and the place in it where the block is or would be.
  Index& OwnIndex();
  static Index::iterator Place(Index& index, uint64_t number);
  // Replaces the version of a page of `entry`, whose block becomes this map's own.
  void Replace(Entry& entry, unsigned slot, VersionId version);

  VersionPool* pool_;
  std::shared_ptr<Index> index_;  // by number; nullptr: empty
};

}  // namespace fv::model
