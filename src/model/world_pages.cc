// SPDX-License-Identifier: Apache-2.0
//
// What the kernel says of pages: that an address space has its own from here on, that their content
// is gone, that it wrote to them.
#include <algorithm>

#include "absl/strings/str_cat.h"
#include "src/model/world.h"

namespace fv::model {

void World::OwnPages(GuestPtr mm, Space& space, const Region& part) {
  if (part.Has(proto::kVmShared)) {
    Contradict(absl::StrCat("own of 0x", absl::Hex(part.start), ", which is shared memory"));
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
    Contradict(absl::StrCat("own of 0x", absl::Hex(start), " to 0x", absl::Hex(end),
                            ", where nothing is mapped"));
  }
}

void World::Discard(GuestPtr mm, uint64_t start, uint64_t end) {
  if (Space* space = FindOrLie(mm, "discard"); space != nullptr && Charge(1)) {
    Forget(mm, *space, start, end);
  }
}

void World::UserWrite(GuestPtr mm, uint64_t address, uint64_t bytes) {
  Space* space = FindOrLie(mm, "user-write");
  if (space == nullptr || !Charge(1)) {
    return;
  }
  const uint64_t first = PageOf(address);
  const uint64_t last = PageOf(address + bytes - 1) + 1;
  interval_.written.Add(mm, first, last);
  const RegionMap::List& regions = space->regions.list();
  for (size_t at = space->regions.FirstAbove(address);
       at < regions.size() && regions[at].start < address + bytes && Charge(1); ++at) {
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

}  // namespace fv::model
