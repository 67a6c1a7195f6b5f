// SPDX-License-Identifier: Apache-2.0
//
// See the header.
#include "src/model/world.h"

#include <algorithm>
#include <utility>

namespace fv::model {

namespace {

// Work of one interval that a guest of no RAM at all may make, and what each frame adds. A fork, an
// exit or a move of everything costs a few units a frame.
constexpr uint64_t kBaseWork = uint64_t{1} << 22;
constexpr uint64_t kWorkPerFrame = 32;
// Records of address spaces are the kernel's and of more than this size (proto::MmRecord).
constexpr uint64_t kSpacesPerFrame = proto::kPageBytes / sizeof(proto::MmRecord);
// Far above what vm.max_map_count allows by default.
constexpr uint64_t kMostRegions = uint64_t{1} << 20;
constexpr size_t kMostBlocks = size_t{1} << 20;

uint64_t PageOf(uint64_t address) { return address >> proto::kPageShift; }

std::string Hex(uint64_t value) {
  constexpr char kDigits[] = "0123456789abcdef";
  std::string text;
  do {
    text.insert(text.begin(), kDigits[value % 16]);
    value /= 16;
  } while (value != 0);
  return "0x" + text;
}

}  // namespace

Sight UnwrittenSight(const Region* region, uint64_t page) {
  if (region == nullptr) {
    return {};
  }
  if (region->object == 0 && !region->Has(proto::kVmShared)) {
    return {Sight::Kind::kZeros};
  }
  return {Sight::Kind::kObject, region->object, region->IndexOf(page << proto::kPageShift)};
}

World::World(uint64_t frames) : pool_(frames), most_work_(kBaseWork + kWorkPerFrame * frames) {}

bool World::Charge(uint64_t work) {
  work_ += work;
  if (!lost_ && work_ > most_work_) {
    Lose("more happened between two looks at the guest than its memory has room for");
  }
  return !lost_;
}

void World::Lose(std::string sentence) {
  Contradict(std::move(sentence));
  lost_ = true;
}

void World::Contradict(std::string sentence) {
  if (!interval_.contradiction) {
    interval_.contradiction = std::move(sentence);
  }
}

Space* World::FindOrLie(GuestPtr mm, const char* event) {
  if (lost_) {
    return nullptr;
  }
  const auto at = spaces_.find(mm);
  if (at == spaces_.end()) {
    Contradict(std::string(event) + " of the address space " + Hex(mm) + ", which has no mapping");
    return nullptr;
  }
  return &at->second;
}

void World::Touch(GuestPtr mm, uint64_t page) {
  const Interval::Block block{mm, page >> kBlockShift};
  if (interval_.blocks.empty() || !(interval_.blocks.back() == block)) {
    interval_.blocks.push_back(block);
    if (interval_.blocks.size() > kMostBlocks) {
      std::sort(interval_.blocks.begin(), interval_.blocks.end());
      interval_.blocks.erase(std::unique(interval_.blocks.begin(), interval_.blocks.end()),
                             interval_.blocks.end());
      if (interval_.blocks.size() > kMostBlocks / 2) {
        Lose("pages changed at more places than memory has room for");
      }
    }
  }
}

void World::NoteRemapped(GuestPtr mm) {
  if (interval_.remapped.empty() || interval_.remapped.back() != mm) {
    interval_.remapped.push_back(mm);
  }
}

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
    Contradict("mm-copy to the address space " + Hex(child) + ", which exists");
    return;
  }
  interval_.copies.push_back({parent, child});
  Space made = *from;
  if (made.regions.AnyHas(proto::kVmDontCopy | proto::kVmWipeOnFork)) {
    const RegionMap::List all = made.regions.list();
    for (const Region& region : all) {
      if (region.Has(proto::kVmDontCopy | proto::kVmWipeOnFork)) {
        Forget(child, made, region.start, region.end);
      }
      if (region.Has(proto::kVmDontCopy)) {
        made.regions.Unmap(region.start, region.end);
      }
    }
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
    Contradict("move of " + Hex(from) + " to " + Hex(to) + ", which overlap");
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

void World::OwnPages(GuestPtr mm, Space& space, const Region& part) {
  if (part.Has(proto::kVmShared)) {
    Contradict("own of " + Hex(part.start) + ", which is shared memory");
    return;
  }
  for (uint64_t page = PageOf(part.start); page < PageOf(part.end); ++page) {
    const VersionId made = Charge(1) ? pool_.Make() : 0;
    if (made == 0) {
      Lose("more pages were written than memory has frames");
      return;
    }
    if (interval_.births.size() < kMostBirths) {
      const VersionId before = space.pages.At(page);
      interval_.births.push_back(
          {made, mm, page,
           before != 0 ? Sight{Sight::Kind::kVersion, 0, 0, before} : UnwrittenSight(&part, page)});
    }
    space.pages.Set(page, made);
    Touch(mm, page);
  }
}

void World::Own(GuestPtr mm, uint64_t start, uint64_t end) {
  Space* space = FindOrLie(mm, "own");
  if (space == nullptr) {
    return;
  }
  const Region* only = space->regions.Find(start);
  if (only != nullptr && end <= only->end) {
    Region part = *only;
    part.index = only->IndexOf(start);
    part.start = start;
    part.end = end;
    OwnPages(mm, *space, part);
    return;
  }
  uint64_t covered = 0;
  for (const Region& part : space->regions.Overlap(start, end)) {
    covered += part.end - part.start;
    OwnPages(mm, *space, part);
    if (lost_) {
      return;
    }
  }
  if (covered != end - start) {
    Contradict("own of " + Hex(start) + " to " + Hex(end) + ", where nothing is mapped");
  }
}

void World::Discard(GuestPtr mm, uint64_t start, uint64_t end) {
  if (Space* space = FindOrLie(mm, "discard"); space != nullptr && Charge(1)) {
    Forget(mm, *space, start, end);
  }
}

void World::UserWrite(GuestPtr mm, uint64_t address, uint64_t bytes) {
  Space* space = FindOrLie(mm, "user-write");
  if (space == nullptr) {
    return;
  }
  const uint64_t first = PageOf(address);
  const uint64_t last = PageOf(address + bytes - 1) + 1;
  interval_.written.Add(mm, first, last);
  const RegionMap::List& regions = space->regions.list();
  for (size_t at = space->regions.FirstAbove(address);
       at < regions.size() && regions[at].start < address + bytes; ++at) {
    const Region& region = regions[at];
    if (region.Has(proto::kVmShared)) {
      const uint64_t from = std::max(region.start, first << proto::kPageShift);
      const uint64_t to = std::min(region.end, last << proto::kPageShift);
      interval_.object_written.Add(region.object, region.IndexOf(from),
                                   region.IndexOf(from) + PageOf(to - from));
    }
  }
}

void World::ObjectWrite(GuestPtr object, uint64_t offset, uint64_t bytes) {
  interval_.object_written.Add(object, PageOf(offset), PageOf(offset + bytes - 1) + 1);
}

void World::ObjectCut(GuestPtr object, uint64_t first) {
  if (Charge(1)) {
    interval_.cuts.push_back({object, first});
  }
}

void World::Run(GuestPtr mm) {
  running_ = mm;
  if (mm != 0 && std::find(interval_.ran.begin(), interval_.ran.end(), mm) == interval_.ran.end() &&
      Charge(1 + interval_.ran.size())) {
    interval_.ran.push_back(mm);
  }
}

const Space* World::Find(GuestPtr mm) const {
  const auto at = spaces_.find(mm);
  return at == spaces_.end() ? nullptr : &at->second;
}

Sight World::Look(GuestPtr mm, uint64_t page) const {
  const Space* space = Find(mm);
  if (space == nullptr) {
    return {};
  }
  const VersionId version = space->pages.At(page);
  return version != 0 ? Sight{Sight::Kind::kVersion, 0, 0, version}
                      : UnwrittenSight(space->regions.Find(page << proto::kPageShift), page);
}

void World::BeginInterval() {
  if (lost_) {
    spaces_.clear();
  }
  interval_ = {};
  work_ = 0;
  if (running_ != 0) {
    interval_.ran.push_back(running_);
  }
}

}  // namespace fv::model
