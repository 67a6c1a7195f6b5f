// SPDX-License-Identifier: Apache-2.0
//
// See the header.
#include "src/oracle/model_checker.h"

#include <algorithm>
#include <string>

#include "src/inspect/list_walk.h"
#include "src/inspect/table_reader.h"

namespace fv::oracle {

using inspect::Hex;
using inspect::PfnOf;
using inspect::Present;
using model::Sight;
using proto::Pte;

namespace {

constexpr unsigned kBlockBytesShift = model::kBlockShift + proto::kPageShift;
// Copies compared at one step; an eager fork makes as many as the process has pages.
constexpr uint64_t kMostCopiesCompared = 4096;

}  // namespace

Finding& ModelChecker::Add(Rule rule, const Entry& entry, std::string sentence) {
  Finding& finding = findings_->Add(rule, std::move(sentence));
  finding.mm = mms_.slots()[entry.mm]->mm.address;
  finding.address = entry.page << proto::kPageShift;
  finding.pte = entry.pte;
  if (Present(entry.pte) && PfnOf(entry.pte) < frames_.size()) {
    finding.pfn = PfnOf(entry.pte);
    finding.frame = frames_.record(PfnOf(entry.pte));
  }
  return finding;
}

void ModelChecker::Step(const model::World& world, ContentGuard::Gap gap, uint64_t zero_pfn,
                        Findings& findings) {
  world_ = &world;
  findings_ = &findings;
  zero_pfn_ = zero_pfn;
  occupants_.BeginStep();
  if (world.interval().contradiction && !told_lost_) {
    findings.Add(Rule::kModelStory,
                 "the events contradict themselves: " + *world.interval().contradiction);
  }
  told_lost_ = world.lost();
  if (world.lost()) {
    return;
  }
  for (const model::Interval::Cut& cut : world.interval().cuts) {
    occupants_.MoveOut(cut.object, cut.first);
  }
  checked_.clear();
  for (const TableCache::Block& block : BlocksToCheck(world)) {
    CheckBlock(block);
  }
  if (gap == ContentGuard::Gap::kNone) {
    CheckBirths();
  }
}

void ModelChecker::AddBlocksOf(const model::World& world, proto::GuestPtr mm,
                               std::vector<TableCache::Block>& blocks) const {
  const int32_t slot = mms_.Find(mm);
  if (slot < 0) {
    return;
  }
  const uint32_t id = static_cast<uint32_t>(slot);
  tables_.ForEachLeaf(id, [&](const CachedTable& table) { blocks.push_back({id, table.base}); });
  if (const model::Space* space = world.Find(mm)) {
    space->pages.ForEachBlock(0, ~uint64_t{0}, [&](uint64_t number) {
      blocks.push_back({id, number << kBlockBytesShift});
    });
  }
}

std::vector<TableCache::Block> ModelChecker::BlocksToCheck(const model::World& world) const {
  std::vector<TableCache::Block> blocks = tables_.changed_blocks();
  for (const model::Interval::Copy& copy : world.interval().copies) {
    // What was the parent's alone is nobody's alone now, wherever it is.
    AddBlocksOf(world, copy.parent, blocks);
    AddBlocksOf(world, copy.child, blocks);
  }
  proto::GuestPtr mm = 0;
  int32_t slot = -1;
  for (const model::Interval::Block& block : world.interval().blocks) {
    if (block.mm != mm) {
      mm = block.mm;
      slot = mms_.Find(mm);
    }
    if (slot >= 0) {
      blocks.push_back({static_cast<uint32_t>(slot), block.number << kBlockBytesShift});
    }
  }
  std::sort(blocks.begin(), blocks.end());
  blocks.erase(std::unique(blocks.begin(), blocks.end()), blocks.end());
  // Children after those whose copies they are.
  std::stable_partition(blocks.begin(), blocks.end(), [&](const TableCache::Block& block) {
    return mms_.slots()[block.mm] == nullptr || !IsNewChild(mms_.slots()[block.mm]->mm.address);
  });
  return blocks;
}

bool ModelChecker::IsNewChild(proto::GuestPtr mm) const {
  const auto& copies = world_->interval().copies;
  return std::any_of(copies.begin(), copies.end(),
                     [mm](const model::Interval::Copy& copy) { return copy.child == mm; });
}

bool ModelChecker::ShowsTheSame(const Checked& copied, const Checked& child,
                                inspect::Rights rights) const {
  if (copied.base != child.base || copied.regions != child.regions || copied.table == nullptr ||
      child.table == nullptr) {
    return false;
  }
  constexpr Pte kShown = proto::kPteFrameMask | proto::kPtePresent | proto::kPteGuard;
  const Pte writable = rights.writable && rights.user ? Pte{proto::kPteWritable} : 0;
  Pte other = 0;
  for (unsigned i = 0; i < model::kPagesPerBlock; ++i) {
    const Pte pte = child.table->words[i];
    other |= ((pte ^ copied.table->words[i]) & kShown) | (pte & writable);
  }
  return other == 0;
}

void ModelChecker::CheckBlock(const TableCache::Block& block) {
  if (mms_.slots()[block.mm] == nullptr) {
    return;
  }
  const proto::GuestPtr space_mm = mms_.slots()[block.mm]->mm.address;
  const model::Space* space = world_->Find(space_mm);
  inspect::Rights rights;
  const CachedTable* table = tables_.LeafAt(block.mm, block.base, rights);
  const model::BlockVersions* versions =
      space == nullptr ? nullptr : space->pages.FindBlock(block.base >> kBlockBytesShift);
  if (table == nullptr && versions == nullptr) {
    return;
  }
  const model::RegionMap::List nothing;
  const model::RegionMap::List& regions = space == nullptr ? nothing : space->regions.list();
  if (versions != nullptr && !world_->interval().copies.empty()) {
    const Checked now{block.base, table, &regions};
    const auto [copied, first] = checked_.try_emplace(versions, now);
    if (!first && IsNewChild(space_mm) && ShowsTheSame(copied->second, now, rights)) {
      return;
    }
  }
  size_t at = space == nullptr ? 0 : space->regions.FirstAbove(block.base);
  for (unsigned i = 0; i < model::kPagesPerBlock; ++i) {
    const Pte pte = table == nullptr ? 0 : table->words[i];
    const model::VersionId version = versions == nullptr ? 0 : (*versions)[i];
    if (!Present(pte) && version == 0) {
      continue;
    }
    const uint64_t address = block.base + i * proto::kPageBytes;
    while (at < regions.size() && regions[at].end <= address) {
      ++at;
    }
    const bool mapped = at < regions.size() && regions[at].Contains(address);
    const bool writable = (pte & proto::kPteWritable) != 0 && (pte & proto::kPteUser) != 0 &&
                          rights.writable && rights.user;
    CheckEntry({block.mm, address >> proto::kPageShift, pte, writable,
                mapped ? &regions[at] : nullptr, version, space});
  }
}

void ModelChecker::CheckEntry(const Entry& entry) {
  const bool guard = (entry.pte & proto::kPteGuard) != 0;
  if (!Present(entry.pte) || guard) {
    if (entry.version != 0) {
      Add(Rule::kModelVisible, entry,
          "what was written to the page is gone: the entry is " +
              std::string(guard ? "a guard" : "absent"));
    }
    return;
  }
  if (entry.region == nullptr) {
    Add(Rule::kModelVisible, entry, "the page is visible, and the events mapped nothing here");
    return;
  }
  if (PfnOf(entry.pte) >= frames_.size()) {
    return;  // I5's business
  }
  const bool shared = entry.region->Has(proto::kVmShared);
  if (entry.version != 0) {
    CheckVersion(entry);
  } else if (entry.region->object != 0 || shared) {
    CheckObjectPage(entry);
  } else if (PfnOf(entry.pte) != zero_pfn_) {
    Add(Rule::kModelVisible, entry,
        "nobody wrote to the page, but it is not the zero frame that is mapped");
  }
  if (entry.writable && entry.version == 0 && !shared) {
    Add(Rule::kModelRights, entry, "the page is writable, and it is not the process's own");
  } else if (entry.writable && !entry.region->Has(proto::kVmWrite)) {
    Add(Rule::kModelRights, entry, "the page is writable, and its mapping is not");
  }
}

void ModelChecker::CheckVersion(const Entry& entry) {
  const uint64_t pfn = PfnOf(entry.pte);
  const uint64_t home = occupants_.HomeOf(entry.version);
  if (home != 0 && home != pfn) {
    Add(Rule::kModelFrame, entry,
        "the page shows what another page shows, which is in frame " + Hex(home));
    return;
  }
  if (home == 0) {
    if (occupants_.IsTaken(pfn, *world_)) {
      Add(Rule::kModelFrame, entry, "the page is the process's own, but its frame is another's");
      return;
    }
    occupants_.MoveIn(pfn, entry.version);
  }
  const proto::GuestPtr mm = mms_.slots()[entry.mm]->mm.address;
  if (!entry.writable) {
    occupants_.DropWriter(pfn, mm, entry.page);
  } else if (entry.space->pages.IsExclusive(entry.page)) {
    occupants_.SetWriter(pfn, mm, entry.page);
  } else {
    Add(Rule::kModelRights, entry, "the page is writable, and another process sees it too");
  }
}

void ModelChecker::CheckObjectPage(const Entry& entry) {
  const uint64_t pfn = PfnOf(entry.pte);
  const proto::GuestPtr object = entry.region->object;
  const uint64_t index = entry.region->IndexOf(entry.page << proto::kPageShift);
  const Occupant& occupant = occupants_.Of(pfn);
  if (object != 0 && occupant.object == object && occupant.index == index) {
    return;
  }
  const uint64_t home = occupants_.HomeOf(object, index);
  if (home != 0 || object == 0) {
    Add(Rule::kModelFrame, entry,
        "page " + std::to_string(index) + " of the object " + Hex(object) + " is in frame " +
            Hex(home));
  } else if (occupants_.IsTaken(pfn, *world_)) {
    Add(Rule::kModelFrame, entry,
        "page " + std::to_string(index) + " of the object " + Hex(object) +
            " is expected here, but the frame is another's");
  } else {
    occupants_.MoveIn(pfn, object, index);
  }
}

void ModelChecker::CheckBirths() {
  uint64_t left = kMostCopiesCompared;
  for (const model::Birth& birth : world_->interval().births) {
    if (left == 0) {
      return;
    }
    if (world_->Alive(birth.version)) {
      CheckBirth(birth);
      --left;
    }
  }
}

uint64_t ModelChecker::SourceOf(const model::Birth& birth) const {
  switch (birth.before.kind) {
    case Sight::Kind::kVersion: {
      if (!world_->Alive(birth.before.version)) {
        return 0;  // it was the last one's, who has a new name for it
      }
      const uint64_t home = occupants_.HomeOf(birth.before.version);
      const Occupant& source = occupants_.Of(home);
      return world_->interval().written.Contains(source.writer, source.writer_page) ? 0 : home;
    }
    case Sight::Kind::kObject:
      return world_->interval().object_written.Contains(birth.before.object, birth.before.index)
                 ? 0
                 : occupants_.HomeOf(birth.before.object, birth.before.index);
    case Sight::Kind::kZeros:
      return zero_pfn_;
    case Sight::Kind::kNothing:
      break;
  }
  return 0;
}

// No user code runs between the copy and the safepoint that follows it; the kernel may have
// written, and then says so.
void ModelChecker::CheckBirth(const model::Birth& birth) {
  const uint64_t pfn = occupants_.HomeOf(birth.version);
  const uint64_t source = pfn == 0 ? 0 : SourceOf(birth);
  if (source == 0 || source >= frames_.size() || pfn >= frames_.size() ||
      world_->interval().written.Contains(birth.mm, birth.page) ||
      world_->Look(birth.mm, birth.page).version != birth.version) {
    return;
  }
  const unsigned words =
      source == zero_pfn_ ? content_.NonZeroWords(pfn) : content_.DifferentWords(source, pfn);
  if (words != 0) {
    Finding& finding =
        findings_->Add(Rule::kModelContent,
                       "the page became the process's own and showed " +
                           std::string(source == zero_pfn_ ? "zeros" : "frame " + Hex(source)) +
                           " before; now " + std::to_string(words) + " of 512 words differ");
    finding.mm = birth.mm;
    finding.address = birth.page << proto::kPageShift;
    finding.pfn = pfn;
    finding.frame = frames_.record(pfn);
  }
}

}  // namespace fv::oracle
