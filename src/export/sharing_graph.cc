// SPDX-License-Identifier: Apache-2.0
//
// A frame's mappers are a set of sources, made up source by source: the sets form a tree, in which
// each step adds a source, and a frame needs one number to name its set.
#include "src/export/sharing_graph.h"

#include <algorithm>
#include <compare>
#include <map>
#include <optional>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "src/inspect/render.h"
#include "src/inspect/table_reader.h"
#include "src/query/mappings.h"

namespace fv::exports {
namespace {

using inspect::LeafTable;
using inspect::Mm;
using inspect::Snapshot;
using proto::FrameState;
using proto::Pte;

struct MapperSet {
  uint32_t without = 0;  // the set that lacks the last source; 0: the empty one
  size_t last = 0;
  uint64_t size = 0;
};

class Builder {
 public:
  Builder(const Snapshot& snapshot, std::vector<const Mm*> mms)
      : snapshot_(snapshot),
        mms_(std::move(mms)),
        set_of_(snapshot.frames.size(), kNoSet),
        look_of_(snapshot.frames.size(), PageState::kOwn),
        others_(snapshot.frames.size(), 0) {}

  absl::StatusOr<SharingGraph> Build() {
    for (const Mm* mm : mms_) AddAddressSpace(*mm);
    graph_.address_spaces = graph_.sources.size();
    FindTables();
    const size_t tables = graph_.sources.size() - graph_.address_spaces;
    if (tables > kMostTableGroups) {
      return absl::ResourceExhaustedError(
          absl::StrCat("shared page tables in ", tables, " groups are more than a figure has room ",
                       "for (", kMostTableGroups, "): name fewer processes"));
    }
    CountOthers();
    ForEachEntry(
        [this](size_t source, const query::Mapping& mapping) { Collect(source, mapping); });
    MakeGroups();
    ForEachEntry([this](size_t source, const query::Mapping& mapping) { Count(source, mapping); });
    for (const auto& [ends, count] : entries_) {
      graph_.frames.push_back({ends.first, ends.second, count});
    }
    return std::move(graph_);
  }

 private:
  static constexpr uint32_t kNoSet = 0;  // of frames that nobody maps, and of the zero frame

  void AddAddressSpace(const Mm& mm) {
    Source source;
    for (const inspect::Task& task : snapshot_.tasks) {
      if (task.record.mm != mm.address) continue;
      source.tasks.push_back(absl::StrCat(task.record.pid, " ", inspect::CommText(task.record)));
    }
    const auto shared = static_cast<uint32_t>(
        std::count_if(mm.leaves.begin(), mm.leaves.end(),
                      [this](const LeafTable& leaf) { return IsShared(leaf); }));
    source.tables = mm.table_count - std::min(mm.table_count, shared);
    graph_.sources.push_back(std::move(source));
  }

  void FindTables() {
    std::map<uint32_t, std::set<size_t>> users;
    for (size_t i = 0; i < mms_.size(); ++i) {
      for (const LeafTable& leaf : mms_[i]->leaves) {
        if (!IsShared(leaf)) continue;
        if (users[leaf.table].empty()) shared_leaves_.push_back({mms_[i], leaf, 0});
        users[leaf.table].insert(i);
      }
    }
    std::map<std::set<size_t>, size_t> groups;
    for (SharedLeaf& shared : shared_leaves_) {
      const std::set<size_t>& spaces = users[shared.leaf.table];
      const auto group = groups.find(spaces);
      if (shared_leaves_.size() > kMostTables && group != groups.end()) {
        shared.source = group->second;
        ++graph_.sources[shared.source].tables;
        continue;
      }
      shared.source = groups[spaces] = graph_.sources.size();
      Source source;
      source.kind = Source::Kind::kTables;
      source.tables = 1;
      source.frame = snapshot_.tables[shared.leaf.table].pfn;
      graph_.sources.push_back(std::move(source));
      for (const size_t space : spaces) graph_.tables.push_back({space, shared.source, 0});
    }
    for (Edge& edge : graph_.tables) edge.count = graph_.sources[edge.to].tables;
    std::stable_sort(shared_leaves_.begin(), shared_leaves_.end(),
                     [](const SharedLeaf& a, const SharedLeaf& b) { return a.source < b.source; });
  }

  // Mappings by address spaces that are not in the graph.
  void CountOthers() {
    std::set<const Mm*> ours(mms_.begin(), mms_.end());
    for (const Mm& mm : snapshot_.mms) {
      if (ours.contains(&mm)) continue;
      query::ForEachMapping(snapshot_, mm, [this](const query::Mapping& mapping) {
        const uint64_t pfn = inspect::PfnOf(mapping.pte);
        if (query::MapsCountedFrame(mapping.pte) && pfn < others_.size()) others_[pfn] = 1;
      });
    }
  }

  bool IsShared(const LeafTable& leaf) const {
    return snapshot_.tables[leaf.table].shared_entries != 0;
  }

  // Source by source, entries of a shared table once, as the table's.
  template <typename Visit>
  void ForEachEntry(Visit visit) {
    for (size_t i = 0; i < mms_.size(); ++i) {
      for (const LeafTable& leaf : mms_[i]->leaves) {
        if (!IsShared(leaf)) VisitTable(*mms_[i], leaf, i, visit);
      }
    }
    for (const SharedLeaf& shared : shared_leaves_) {
      VisitTable(*shared.mm, shared.leaf, shared.source, visit);
    }
  }
  template <typename Visit>
  void VisitTable(const Mm& mm, const LeafTable& leaf, size_t source, Visit visit) {
    const Pte* entries = snapshot_.TableEntries(leaf.table);
    for (unsigned i = 0; i < proto::kEntriesPerTable; ++i) {
      if (!inspect::Present(entries[i])) continue;
      const uint64_t pfn = inspect::PfnOf(entries[i]);
      if (pfn >= set_of_.size()) continue;
      visit(source, query::Mapping{&mm, leaf.base + (uint64_t{i} << proto::kPageShift), entries[i],
                                   false, false});
    }
  }

  void Collect(size_t source, const query::Mapping& mapping) {
    if ((mapping.pte & proto::kPteZero) != 0) return;
    const uint64_t pfn = inspect::PfnOf(mapping.pte);
    uint32_t& set = set_of_[pfn];
    if (set == kNoSet) {
      const inspect::Vma* vma = query::VmaAt(*mapping.mm, mapping.address);
      const bool shared = vma != nullptr && (vma->record.flags & proto::kVmShared) != 0;
      const bool file = snapshot_.Frame(pfn).state == FrameState::kFile;
      look_of_[pfn] = shared ? PageState::kShared : file ? PageState::kFile : PageState::kOwn;
    } else if (sets_[set].last == source) {
      return;  // mapped twice
    }
    const auto [next, is_new] = with_.try_emplace({set, source}, sets_.size());
    if (is_new) sets_.push_back({set, source, sets_[set].size + 1});
    set = next->second;
  }

  // Private frames of many are copied on write.
  PageState LookOf(uint64_t pfn) const {
    const PageState look = look_of_[pfn];
    const uint32_t set = set_of_[pfn];
    if (look != PageState::kOwn) return look;
    const bool in_table = graph_.sources[sets_[set].last].kind == Source::Kind::kTables;
    if (in_table && sets_[set].size == 1) return PageState::kSharedTable;
    return sets_[set].size > 1 || others_[pfn] != 0 ? PageState::kCopyOnWrite : PageState::kOwn;
  }

  struct GroupKey {
    PageState look;
    uint32_t set;
    bool others;
    auto operator<=>(const GroupKey&) const = default;
  };
  GroupKey KeyOf(uint64_t pfn) const { return {LookOf(pfn), set_of_[pfn], others_[pfn] != 0}; }
  void MakeGroups() {
    std::map<GroupKey, uint64_t> frames;
    for (uint64_t pfn = 0; pfn < set_of_.size(); ++pfn) {
      if (set_of_[pfn] != kNoSet) ++frames[KeyOf(pfn)];
    }
    std::vector<std::pair<GroupKey, uint64_t>> by_size(frames.begin(), frames.end());
    std::stable_sort(by_size.begin(), by_size.end(),
                     [](const auto& a, const auto& b) { return a.second > b.second; });
    std::map<PageState, size_t> rest;
    for (const auto& [key, count] : by_size) {
      const bool alone = graph_.groups.size() < kMostGroups;
      const auto merged = rest.find(key.look);
      if (!alone && merged != rest.end()) {
        group_of_[key] = merged->second;
        graph_.groups[merged->second].frames += count;
        continue;
      }
      if (!alone) rest[key.look] = graph_.groups.size();
      group_of_[key] = graph_.groups.size();
      graph_.groups.push_back({key.look, count, alone ? sets_[key.set].size : 0, key.others});
    }
  }

  void Count(size_t source, const query::Mapping& mapping) {
    if ((mapping.pte & proto::kPteGuard) != 0) return;
    if ((mapping.pte & proto::kPteZero) != 0) {
      if (!zero_group_) {
        zero_group_ = graph_.groups.size();
        graph_.groups.push_back({PageState::kZero, 1, 0, false});
      }
      ++entries_[{source, *zero_group_}];
      return;
    }
    const uint64_t pfn = inspect::PfnOf(mapping.pte);
    ++entries_[{source, group_of_.at(KeyOf(pfn))}];
  }

  const Snapshot& snapshot_;
  const std::vector<const Mm*> mms_;
  SharingGraph graph_;
  struct SharedLeaf {
    const Mm* mm;  // one of its users, and how that sees it
    LeafTable leaf;
    size_t source;
  };
  std::vector<SharedLeaf> shared_leaves_;                    // by source
  std::vector<MapperSet> sets_ = std::vector<MapperSet>(1);  // the empty one
  std::map<std::pair<uint32_t, size_t>, uint32_t> with_;     // a set with one source more
  std::vector<uint32_t> set_of_;                             // by frame; 0: not mapped
  std::vector<PageState> look_of_;                           // kOwn, kFile or kShared
  std::vector<uint8_t> others_;                              // by frame: somebody else maps it
  std::map<GroupKey, size_t> group_of_;
  std::map<std::pair<size_t, size_t>, uint64_t> entries_;
  std::optional<size_t> zero_group_;
};

}  // namespace

absl::StatusOr<SharingGraph> GraphOf(const query::Moment& moment,
                                     const std::vector<uint32_t>& pids) {
  std::vector<const Mm*> mms;
  for (const uint32_t pid : pids) {
    const Mm* mm = query::MmOfPid(moment.snapshot, pid);
    if (mm == nullptr) return absl::NotFoundError(absl::StrCat("no address space of task ", pid));
    if (std::find(mms.begin(), mms.end(), mm) == mms.end()) mms.push_back(mm);
  }
  for (const Mm& mm : moment.snapshot.mms) {
    if (pids.empty() && query::UserOf(moment.snapshot, mm) != "-") mms.push_back(&mm);
  }
  if (mms.size() > kMostAddressSpaces) {
    return absl::ResourceExhaustedError(
        absl::StrCat(mms.size(), " address spaces are more than a figure has room for (",
                     kMostAddressSpaces, "): name some processes"));
  }
  return Builder(moment.snapshot, std::move(mms)).Build();
}

}  // namespace fv::exports
