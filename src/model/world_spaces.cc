// SPDX-License-Identifier: Apache-2.0
//
// What the kernel says of mappings: made, lost, protected, copied to a child, moved.
#include <utility>

#include "absl/strings/str_cat.h"
#include "src/model/world.h"

namespace fv::model {
namespace {

// Records of address spaces are the kernel's and of more than this size (proto::MmRecord).
constexpr uint64_t kSpacesPerFrame = proto::kPageBytes / sizeof(proto::MmRecord);
// Far above what vm.max_map_count allows by default.
constexpr uint64_t kMostRegions = uint64_t{1} << 20;

}  // namespace

void World::Forget(GuestPtr mm, Space& space, uint64_t start, uint64_t end) {
  const uint64_t first = PageOf(start);
  const uint64_t last = PageOf(end);
  space.pages.ForEachBlock(first, last, [&](uint64_t number) {
    (void)Charge(kPagesPerBlock);
    Touch(mm, number << kBlockShift);
  });
  (void)space.pages.Clear(first, last);
}

void World::Map(GuestPtr mm, const Region& region) {
  if (lost_) {
    return;
  }
  if (spaces_.size() >= pool_.limit() * kSpacesPerFrame) {
    Lose("there are more address spaces than memory has room for");
    return;
  }
  Space& space = spaces_.try_emplace(mm, pool_).first->second;
  if (space.regions.list().size() >= kMostRegions) {
    Lose("an address space has more mappings than any kernel allows");
    return;
  }
  if (!Charge(1 + space.regions.list().size() / kPagesPerBlock)) {
    return;
  }
  Forget(mm, space, region.start, region.end);
  space.regions.Map(region);
  NoteRemapped(mm);
}

void World::SetObject(GuestPtr mm, uint64_t start, uint64_t end, GuestPtr object, uint64_t index) {
  Space* space = FindOrLie(mm, "map-object");
  if (space != nullptr && Charge(1 + space->regions.list().size() / kPagesPerBlock)) {
    space->regions.SetObject(start, end, object, index);
  }
}

void World::Unmap(GuestPtr mm, uint64_t start, uint64_t end) {
  Space* space = FindOrLie(mm, "unmap");
  if (space == nullptr || !Charge(1 + space->regions.list().size() / kPagesPerBlock)) {
    return;
  }
  Forget(mm, *space, start, end);
  space->regions.Unmap(start, end);
  NoteRemapped(mm);
}

void World::SetFlags(GuestPtr mm, uint64_t start, uint64_t end, uint64_t flags) {
  Space* space = FindOrLie(mm, "protect");
  if (space == nullptr || !Charge(1 + space->regions.list().size() / kPagesPerBlock)) {
    return;
  }
  space->regions.SetFlags(start, end, flags);
  NoteRemapped(mm);
}

void World::Copy(GuestPtr parent, GuestPtr child) {
  Space* from = FindOrLie(parent, "mm-copy");
  if (from == nullptr) {
    return;
  }
  if (parent == child || spaces_.contains(child) ||
      spaces_.size() >= pool_.limit() * kSpacesPerFrame) {
    Contradict(absl::StrCat("mm-copy to the address space 0x", absl::Hex(child), ", which exists"));
    return;
  }
  interval_.copies.push_back({parent, child});
  Space made = *from;
  if (made.regions.AnyHas(proto::kVmDontCopy | proto::kVmWipeOnFork)) {
    RegionMap copied;  // one by one: to take out many of many costs the square of them
    for (const Region& region : from->regions.list()) {
      if (region.Has(proto::kVmDontCopy | proto::kVmWipeOnFork)) {
        Forget(child, made, region.start, region.end);
      }
      if (!region.Has(proto::kVmDontCopy)) {
        copied.Map(region);
      }
    }
    made.regions = copied;
  }
  if (Charge(1 + from->regions.list().size() + from->pages.block_count())) {
    spaces_.emplace(child, std::move(made));
  }
}

void World::End(GuestPtr mm) {
  const auto at = spaces_.find(mm);
  if (at == spaces_.end()) {
    return;  // it never had a mapping
  }
  // What it does not share goes, page by page.
  if (Charge(1 + at->second.pages.block_count() * kPagesPerBlock)) {
    spaces_.erase(at);
  }
}

void World::Move(GuestPtr mm, uint64_t from, uint64_t to, uint64_t bytes) {
  Space* space = FindOrLie(mm, "move");
  if (space == nullptr || bytes == 0) {
    return;
  }
  if (from < to + bytes && to < from + bytes) {
    Contradict(
        absl::StrCat("move of 0x", absl::Hex(from), " to 0x", absl::Hex(to), ", which overlap"));
    return;
  }
  const auto touch = [&](uint64_t start) {
    space->pages.ForEachBlock(PageOf(start), PageOf(start + bytes), [&](uint64_t number) {
      (void)Charge(kPagesPerBlock);
      Touch(mm, number << kBlockShift);
    });
  };
  touch(from);
  touch(to);
  if (!lost_) {
    space->pages.Move(PageOf(from), PageOf(to), PageOf(bytes));
    touch(to);
  }
}

}  // namespace fv::model
