// SPDX-License-Identifier: Apache-2.0
//
// Ownership is read off the use counts of shared pointers: one thread works on a world.
#include "src/model/page_map.h"

#include <algorithm>
#include <utility>

namespace fv::model {

namespace {

uint64_t BlockOf(uint64_t page) { return page >> kBlockShift; }
unsigned SlotOf(uint64_t page) { return static_cast<unsigned>(page % kPagesPerBlock); }

}  // namespace

PageMap::Block::Block(const Block& other) : pool(other.pool), used(other.used), pages(other.pages) {
  for (const VersionId version : pages) {
    if (version != 0) {
      pool->Ref(version);
    }
  }
}

PageMap::Block::~Block() {
  for (const VersionId version : pages) {
    if (version != 0) {
      pool->Unref(version);
    }
  }
}

const PageMap::Entry* PageMap::Find(uint64_t number) const {
  if (index_ == nullptr) {
    return nullptr;
  }
  const auto at = Place(*index_, number);
  return at != index_->end() && at->number == number ? &*at : nullptr;
}

PageMap::Index& PageMap::OwnIndex() {
  if (index_ == nullptr) {
    index_ = std::make_shared<Index>();
  } else if (index_.use_count() > 1) {
    index_ = std::make_shared<Index>(*index_);
  }
  return *index_;
}

PageMap::Index::iterator PageMap::Place(Index& index, uint64_t number) {
  return std::lower_bound(
      index.begin(), index.end(), number,
      [](const Entry& entry, uint64_t wanted) { return entry.number < wanted; });
}

void PageMap::Replace(Entry& entry, unsigned slot, VersionId version) {
  if (entry.block.use_count() > 1) {
    entry.block = std::make_shared<Block>(*entry.block);
  }
  Block& block = *entry.block;
  const VersionId before = std::exchange(block.pages[slot], version);
  block.used += (version != 0 ? 1 : 0);
  block.used -= (before != 0 ? 1 : 0);
  if (before != 0) {
    pool_->Unref(before);
  }
}

VersionId PageMap::At(uint64_t page) const {
  const Entry* entry = Find(BlockOf(page));
  return entry == nullptr ? 0 : entry->block->pages[SlotOf(page)];
}

void PageMap::Set(uint64_t page, VersionId version) {
  if (version == 0) {
    (void)Clear(page, page + 1);
    return;
  }
  Index& index = OwnIndex();
  auto at = Place(index, BlockOf(page));
  if (at == index.end() || at->number != BlockOf(page)) {
    at = index.insert(at, Entry{BlockOf(page), std::make_shared<Block>(*pool_)});
  }
  Replace(*at, SlotOf(page), version);
}

bool PageMap::Clear(uint64_t first, uint64_t last) {
  if (index_ == nullptr || first >= last) {
    return false;
  }
  const auto overlaps = [&](const Entry& entry) {
    const uint64_t base = entry.number << kBlockShift;
    const uint64_t from = std::max(first, base);
    const uint64_t to = std::min(last, base + kPagesPerBlock);
    return std::any_of(entry.block->pages.begin() + static_cast<int64_t>(from - base),
                       entry.block->pages.begin() + static_cast<int64_t>(to - base),
                       [](VersionId version) { return version != 0; });
  };
  // Nothing of the index changes, and none is copied, unless there is something to forget.
  auto from = Place(*index_, BlockOf(first));
  const auto to = Place(*index_, BlockOf(last - 1) + 1);
  while (from != to && !overlaps(*from)) {
    ++from;
  }
  if (from == to) {
    return false;
  }
  Index& index = OwnIndex();
  auto begin = Place(index, BlockOf(first));
  auto end = Place(index, BlockOf(last - 1) + 1);
  for (auto at = begin; at != end; ++at) {
    const uint64_t base = at->number << kBlockShift;
    if (first <= base && base + kPagesPerBlock <= last) {
      at->block = nullptr;
      continue;
    }
    const uint64_t stop = std::min(last, base + kPagesPerBlock);
    for (uint64_t page = std::max(first, base); page < stop; ++page) {
      if (at->block->pages[SlotOf(page)] != 0) {
        Replace(*at, SlotOf(page), 0);
      }
    }
    if (at->block->used == 0) {
      at->block = nullptr;
    }
  }
  index.erase(std::remove_if(begin, end, [](const Entry& entry) { return !entry.block; }), end);
  return true;
}

void PageMap::Move(uint64_t from, uint64_t to, uint64_t count) {
  std::vector<std::pair<uint64_t, VersionId>> moved;
  if (index_ != nullptr) {
    const auto end = Place(*index_, BlockOf(from + count) + 1);
    for (auto at = Place(*index_, BlockOf(from)); at != end; ++at) {
      for (unsigned slot = 0; slot < kPagesPerBlock; ++slot) {
        const uint64_t page = (at->number << kBlockShift) + slot;
        const VersionId version = at->block->pages[slot];
        if (version != 0 && page >= from && page - from < count) {
          pool_->Ref(version);
          moved.emplace_back(page - from + to, version);
        }
      }
    }
  }
  (void)Clear(from, from + count);
  (void)Clear(to, to + count);
  for (const auto& [page, version] : moved) {
    Set(page, version);
  }
}

const BlockVersions* PageMap::FindBlock(uint64_t block) const {
  const Entry* entry = Find(block);
  return entry == nullptr ? nullptr : &entry->block->pages;
}

bool PageMap::IsBlockOwn(uint64_t block) const {
  const Entry* entry = Find(block);
  return entry != nullptr && index_.use_count() == 1 && entry->block.use_count() == 1;
}

bool PageMap::IsExclusive(uint64_t page) const {
  const VersionId version = At(page);
  return version != 0 && IsBlockOwn(BlockOf(page)) && pool_->IsSingle(version);
}

}  // namespace fv::model
