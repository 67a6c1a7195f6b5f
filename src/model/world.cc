// SPDX-License-Identifier: Apache-2.0
//
// What a world knows of itself: its bounds, what came of the interval, what a page shows. Events
// about mappings are in world_spaces.cc, those about pages in world_pages.cc.
#include "src/model/world.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"

namespace fv::model {

namespace {

// Work of one interval that a guest of no RAM at all may make, and what each frame adds. A fork, an
// exit or a move of everything costs a few units a frame.
constexpr uint64_t kBaseWork = uint64_t{1} << 22;
constexpr uint64_t kWorkPerFrame = 32;
constexpr size_t kMostBlocks = size_t{1} << 20;

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
    Contradict(
        absl::StrCat(event, " of the address space 0x", absl::Hex(mm), ", which has no mapping"));
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
