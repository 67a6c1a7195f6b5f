// SPDX-License-Identifier: Apache-2.0
//
// See the header.
#include "src/oracle/attribution.h"

#include <algorithm>
#include <string>

namespace fv::oracle {

namespace {

// Frames hashed at one step, and frames looked at for it.
constexpr uint64_t kMostHashes = 128;
constexpr uint64_t kMostLooks = 256;

std::string WhyNobody(const Occupant& occupant) {
  if (occupant.object != 0) {
    return "of those who ran, none maps the page of the object writable";
  }
  return occupant.writer == 0 || occupant.writer_lost != 0 ? "nobody has it writable"
                                                           : "who has it writable did not run";
}

template <typename T>
bool Has(const std::vector<T>& all, const T& one) {
  return std::find(all.begin(), all.end(), one) != all.end();
}

}  // namespace

// True if a shared mapping of `mm` shows the page and may write it.
bool Attribution::ShowsWritable(proto::GuestPtr mm, proto::GuestPtr object, uint64_t index) const {
  const model::Space* space = world_->Find(mm);
  if (space == nullptr) {
    return false;
  }
  constexpr uint64_t kBoth = proto::kVmShared | proto::kVmWrite;
  const auto& regions = space->regions.list();
  return std::any_of(regions.begin(), regions.end(), [&](const model::Region& region) {
    return region.object == object && (region.flags & kBoth) == kBoth && region.index <= index &&
           index < region.IndexOf(region.end);
  });
}

bool Attribution::ObjectMayHaveChanged(const Occupant& occupant) const {
  const model::Interval& interval = world_->interval();
  if (interval.object_written.Contains(occupant.object, occupant.index)) {
    return true;
  }
  // Whoever changed its mappings may have had a writable one.
  return std::any_of(interval.ran.begin(), interval.ran.end(), [&](proto::GuestPtr mm) {
    return world_->Find(mm) == nullptr || Has(interval.remapped, mm) ||
           ShowsWritable(mm, occupant.object, occupant.index);
  });
}

bool Attribution::MayHaveChanged(const Occupant& occupant) const {
  if (occupant.object != 0) {
    return ObjectMayHaveChanged(occupant);
  }
  const bool could = occupant.writer != 0 &&
                     (occupant.writer_lost == 0 || occupant.writer_lost == occupants_->step());
  return could && (Has(world_->interval().ran, occupant.writer) ||
                   world_->interval().written.Contains(occupant.writer, occupant.writer_page));
}

bool Attribution::IsBeingWritten(const Occupant& occupant) const {
  const proto::GuestPtr mm = world_->running();
  if (mm == 0) {
    return false;
  }
  return occupant.object != 0 ? ShowsWritable(mm, occupant.object, occupant.index)
                              : occupant.writer == mm && occupant.writer_lost == 0;
}

void Attribution::Await(uint64_t pfn) {
  if (!guards_[pfn].waiting) {
    guards_[pfn].waiting = true;
    waiting_.push_back(pfn);
  }
}

// I6 has looked at the frame in this step if it is shared.
uint64_t Attribution::HashNow(uint64_t pfn) {
  if (const uint64_t saved = content_.SavedHash(pfn); saved != 0) {
    return saved;
  }
  ++hashed_;
  return content_.Hash(pfn);
}

void Attribution::CheckDirty(uint64_t pfn, ContentGuard::Gap gap) {
  Guard& guard = guards_[pfn];
  if (!occupants_->IsTaken(pfn, *world_)) {
    guard.hash = 0;
    return;
  }
  const Occupant& occupant = occupants_->Of(pfn);
  const bool known = guard.hash != 0 && guard.moved_in == occupant.since;
  if (known && gap == ContentGuard::Gap::kNone && !MayHaveChanged(occupant)) {
    const uint64_t now = HashNow(pfn);
    if (now != guard.hash) {
      Finding& finding =
          findings_->Add(Rule::kWrittenByNobody,
                         "the content of the frame changed, and nobody who may write it did: " +
                             WhyNobody(occupant));
      finding.pfn = pfn;
      finding.frame = frames_.record(pfn);
      guard.hash = now;
    }
    return;
  }
  guard.hash = 0;
  Await(pfn);
}

void Attribution::HashWaiting() {
  uint64_t hashes = kMostHashes;
  const uint64_t looks = std::min<uint64_t>(waiting_.size(), kMostLooks);
  for (uint64_t i = 0; i < looks && hashes > 0; ++i) {
    const uint64_t pfn = waiting_.front();
    waiting_.pop_front();
    Guard& guard = guards_[pfn];
    guard.waiting = false;
    if (guard.hash != 0 || !occupants_->IsTaken(pfn, *world_)) {
      settled_.push_back(pfn);
      continue;
    }
    const Occupant& occupant = occupants_->Of(pfn);
    if (IsBeingWritten(occupant)) {
      Await(pfn);
      continue;
    }
    const uint64_t before = hashed_;
    guard.hash = HashNow(pfn);
    hashes -= hashed_ - before;
    settled_.push_back(pfn);
    guard.moved_in = occupant.since;
  }
}

void Attribution::Step(const model::World& world, const Occupants& occupants,
                       const DirtyBits& dirty, ContentGuard::Gap gap, Findings& findings) {
  settled_.clear();
  if (world.lost()) {
    return;
  }
  world_ = &world;
  occupants_ = &occupants;
  findings_ = &findings;
  for (const uint64_t pfn : dirty.frames()) {
    if (pfn < frames_.size()) {
      CheckDirty(pfn, gap);
    }
  }
  HashWaiting();
}

}  // namespace fv::oracle
