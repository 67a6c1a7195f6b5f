// SPDX-License-Identifier: Apache-2.0
//
// I21: every page shows what the events say, and is written by nobody else. The page tables, as the
// table cache holds them, are compared with the reference model (src/model) wherever one of the two
// changed. The model names the version that a page shows; two pages map one frame exactly if they
// show the same version or the same page of an object, so the comparison is of identities, and only
// a version that was just made has its bytes compared with what it is a copy of.
//
// Cost of a step: 512 words for each page table that changed, twice the tables of a process for its
// fork, and a page for each copy made, up to a bound.
#pragma once

#include <cstdint>
#include <span>
#include <unordered_map>
#include <vector>

#include "src/model/world.h"
#include "src/oracle/content_guard.h"
#include "src/oracle/finding.h"
#include "src/oracle/mm_cache.h"
#include "src/oracle/occupants.h"
#include "src/oracle/table_cache.h"

namespace fv::oracle {

class ModelChecker {
 public:
  ModelChecker(const MmCache& mms, const TableCache& tables, const FrameCache& frames,
               const ContentGuard& content)
      : mms_(mms), tables_(tables), frames_(frames), content_(content), occupants_(frames.size()) {}

  // After the caches are up to date. With a gap, copies are not compared: somebody may have written
  // to them since.
  void Step(const model::World& world, ContentGuard::Gap gap, uint64_t zero_pfn,
            Findings& findings);

  const Occupants& occupants() const { return occupants_; }

 private:
  // An entry, present or not, and what the model says of its page.
  struct Entry {
    uint32_t mm;
    uint64_t page;
    proto::Pte pte;
    bool writable;  // by user code, the way to it considered
    const model::Region* region;
    model::VersionId version;
    const model::Space* space;
  };

  // A block as it was checked in this step.
  struct Checked {
    uint64_t base;
    const CachedTable* table;
    const model::RegionMap::List* regions;
  };
  bool IsNewChild(proto::GuestPtr mm) const;
  // Whether a new child, which never wrote, shows through `table` what the one did that it is a
  // copy of, with the same regions and without a right to write: then the same is true of it.
  bool ShowsTheSame(const Checked& copied, const Checked& child, inspect::Rights rights) const;
  std::vector<TableCache::Block> BlocksToCheck(const model::World& world) const;
  void AddBlocksOf(const model::World& world, proto::GuestPtr mm,
                   std::vector<TableCache::Block>& blocks) const;
  void CheckBlock(const TableCache::Block& block);
  void CheckEntry(const Entry& entry);
  void CheckVersion(const Entry& entry);
  void CheckObjectPage(const Entry& entry);
  void CheckBirths();
  void CheckBirth(const model::Birth& birth);
  // The frame whose bytes the copy must have; 0: nothing certain is known.
  uint64_t SourceOf(const model::Birth& birth) const;
  Finding& Add(Rule rule, const Entry& entry, std::string sentence);

  const MmCache& mms_;
  const TableCache& tables_;
  const FrameCache& frames_;
  const ContentGuard& content_;
  Occupants occupants_;
  bool told_lost_ = false;
  // Of the current step.
  const model::World* world_ = nullptr;
  Findings* findings_ = nullptr;
  uint64_t zero_pfn_ = 0;
  std::unordered_map<const model::BlockVersions*, Checked> checked_;
};

}  // namespace fv::oracle
