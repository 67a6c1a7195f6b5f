// SPDX-License-Identifier: Apache-2.0
//
// ps: the tasks as a tree, threads below their leader, children below the process that waits for
// them. Links are the guest's: a task is shown once, one that no link reaches at the end.
#include <unordered_map>
#include <unordered_set>

#include "src/inspect/render.h"
#include "src/query/mappings.h"
#include "src/query/query.h"

namespace fv::query {
namespace {

using inspect::Mm;
using inspect::Snapshot;
using inspect::Task;

struct PageCounts {
  uint64_t shared = 0;    // mapped by other entries as well
  uint64_t unshared = 0;  // by this one only
};

PageCounts CountPages(const Snapshot& snapshot, const MappingIndex& index, const Mm& mm) {
  PageCounts counts;
  ForEachMapping(snapshot, mm, [&](const Mapping& mapping) {
    if (!MapsCountedFrame(mapping.pte)) return;
    ++(index.Count(inspect::PfnOf(mapping.pte)) > 1 ? counts.shared : counts.unshared);
  });
  return counts;
}

class Tree {
 public:
  Tree(const Moment& moment, Listing& listing)
      : moment_(moment), snapshot_(moment.snapshot), index_(snapshot_), listing_(listing) {}

  void AddAll() {
    for (const Task& task : snapshot_.tasks) {
      const proto::GuestPtr above = Above(task);
      if (above != task.address) below_[above].push_back(&task);
      tgids_[task.address] = task.record.tgid;
    }
    for (const Mm& mm : snapshot_.mms) mms_[mm.address] = &mm;
    for (const Task& task : snapshot_.tasks) {
      if (task.record.pid == 1) AddFrom(task);
    }
    for (const Task& task : snapshot_.tasks) AddFrom(task);
  }

 private:
  static constexpr unsigned kDeepest = 40;  // levels that are still indented

  struct Pending {
    const Task* task;
    unsigned depth;
  };

  static proto::GuestPtr Above(const Task& task) {
    const bool leader = task.record.pid == task.record.tgid;
    return leader ? task.record.parent : task.record.leader;
  }

  void AddFrom(const Task& top) {
    std::vector<Pending> pending = {{&top, 0}};
    while (!pending.empty()) {
      const Pending now = pending.back();
      pending.pop_back();
      if (!seen_.insert(now.task).second) continue;
      AddRow(*now.task, now.depth);
      const std::vector<const Task*>& below = below_[now.task->address];
      for (size_t i = below.size(); i-- > 0;) pending.push_back({below[i], now.depth + 1});
    }
  }

  void AddRow(const Task& task, unsigned depth) {
    std::vector<Cell> row = {uint64_t{task.record.pid}, uint64_t{task.record.tgid},
                             uint64_t{tgids_[task.record.parent]},
                             std::string(inspect::TaskStateName(task.record.state))};
    const Mm* mm = mms_[task.record.mm];
    if (mm != nullptr) {
      const PageCounts counts = CountPages(snapshot_, index_, *mm);
      row.insert(row.end(), {mm->record.anon_pages + mm->record.file_pages, counts.shared,
                             counts.unshared, uint64_t{mm->record.table_frames},
                             uint64_t{mm->record.shared_tables}, StrategyName(*mm)});
    }
    row.resize(listing_.columns.size() - 1);  // what a task without an address space lacks
    const std::string indent(size_t{2} * std::min(depth, kDeepest), ' ');
    row.emplace_back(indent + inspect::CommText(task.record));
    listing_.rows.push_back(std::move(row));
  }

  Cell StrategyName(const Mm& mm) const {
    const uint64_t place = mm.record.fork_strategy;
    if (place < moment_.strategies.size()) return moment_.strategies[place];
    return place;
  }

  const Moment& moment_;
  const Snapshot& snapshot_;
  MappingIndex index_;
  Listing& listing_;
  std::unordered_map<proto::GuestPtr, std::vector<const Task*>> below_;
  std::unordered_map<proto::GuestPtr, uint32_t> tgids_;
  std::unordered_map<proto::GuestPtr, const Mm*> mms_;
  std::unordered_set<const Task*> seen_;
};

}  // namespace

Answer Processes(const Moment& moment) {
  Answer answer;
  Listing& listing = answer.listings.emplace_back();
  listing.name = "tasks";
  listing.columns = {"pid",     "tgid",   "ppid",          "state",    "resident", "shared",
                     "private", "tables", "shared_tables", "strategy", "command"};
  Tree(moment, listing).AddAll();
  return answer;
}

}  // namespace fv::query
