// SPDX-License-Identifier: Apache-2.0
//
// diff: what changed between two moments, structure by structure. Tasks are matched by their
// records' addresses and pids, address spaces by their records, entries by address.
#include "absl/strings/str_cat.h"
#include "src/inspect/render.h"
#include "src/query/entry_changes.h"
#include "src/query/frame_changes.h"
#include "src/query/mappings.h"
#include "src/query/query.h"

namespace fv::query {
namespace {

using inspect::Mm;
using inspect::Snapshot;
using inspect::Task;
using inspect::Vma;

const Task* SameTask(const Snapshot& snapshot, const Task& task) {
  for (const Task& other : snapshot.tasks) {
    if (other.record.pid == task.record.pid && other.address == task.address) return &other;
  }
  return nullptr;
}

const Mm* SameMm(const Snapshot& snapshot, const Mm& mm) {
  for (const Mm& other : snapshot.mms) {
    if (other.address == mm.address && other.record.root_gpa == mm.record.root_gpa) return &other;
  }
  return nullptr;
}

std::string TaskChange(const Task& before, const Task& after) {
  std::string text;
  const auto add = [&text](const std::string& what) {
    absl::StrAppend(&text, text.empty() ? "" : ", ", what);
  };
  if (before.record.state != after.record.state) {
    add(absl::StrCat(inspect::TaskStateName(before.record.state), " -> ",
                     inspect::TaskStateName(after.record.state)));
  }
  if (before.record.mm != after.record.mm) add("another address space");
  if (before.record.parent != after.record.parent) add("another parent");
  if (inspect::CommText(before.record) != inspect::CommText(after.record)) add("another name");
  return text;
}

Listing TaskChanges(const Snapshot& before, const Snapshot& after) {
  Listing listing{"tasks", {"pid", "change", "command"}, {}};
  const auto add = [&listing](const Task& task, std::string change) {
    listing.rows.push_back(
        {uint64_t{task.record.pid}, std::move(change), inspect::CommText(task.record)});
  };
  for (const Task& task : before.tasks) {
    const Task* now = SameTask(after, task);
    std::string change = now == nullptr ? "gone" : TaskChange(task, *now);
    if (!change.empty()) add(task, std::move(change));
  }
  for (const Task& task : after.tasks) {
    if (SameTask(before, task) == nullptr) add(task, "new");
  }
  return listing;
}

void AddVma(Listing& listing, const std::string& user, const Vma& vma, std::string change) {
  listing.rows.push_back({user, Hex{vma.record.start}, Hex{vma.record.end},
                          inspect::VmaFlagsText(vma.record.flags), std::move(change)});
}

bool SameVma(const Vma& one, const Vma& other) {
  return one.record.start == other.record.start && one.record.end == other.record.end &&
         one.record.flags == other.record.flags && one.record.object == other.record.object &&
         one.record.page_offset == other.record.page_offset;
}

// Both lists are sorted; a mapping that changed in any way is shown as it was and as it is.
void AddVmaChanges(const std::string& user, const std::vector<Vma>& before,
                   const std::vector<Vma>& after, Listing& listing) {
  auto old_vma = before.begin();
  auto new_vma = after.begin();
  while (old_vma != before.end() || new_vma != after.end()) {
    if (old_vma != before.end() && new_vma != after.end() && SameVma(*old_vma, *new_vma)) {
      ++old_vma;
      ++new_vma;
    } else if (new_vma == after.end() ||
               (old_vma != before.end() && old_vma->record.start <= new_vma->record.start)) {
      AddVma(listing, user, *old_vma++, "gone");
    } else {
      AddVma(listing, user, *new_vma++, "new");
    }
  }
}

}  // namespace

absl::StatusOr<Answer> Difference(const Moment& before, const Moment& after) {
  if (before.snapshot.ram_bytes != after.snapshot.ram_bytes) {
    return absl::InvalidArgumentError("the two guests have different amounts of memory");
  }
  Answer answer;
  answer.listings.push_back(TaskChanges(before.snapshot, after.snapshot));
  Listing mappings{"mappings", {"task", "start", "end", "rights", "change"}, {}};
  Listing entries = EntryChangesListing();
  for (const Mm& mm : after.snapshot.mms) {
    const Mm* was = SameMm(before.snapshot, mm);
    static const Mm kNone = {};
    const std::string user = UserOf(after.snapshot, mm);
    AddVmaChanges(user, was == nullptr ? kNone.vmas : was->vmas, mm.vmas, mappings);
    AddEntryChanges(user, before.snapshot, was == nullptr ? kNone : *was, after.snapshot, mm,
                    entries);
  }
  for (const Mm& mm : before.snapshot.mms) {
    if (SameMm(after.snapshot, mm) == nullptr) {
      answer.notes.push_back(
          absl::StrCat("the address space of ", UserOf(before.snapshot, mm), " is gone"));
    }
  }
  answer.listings.push_back(std::move(mappings));
  answer.listings.push_back(std::move(entries));
  answer.listings.push_back(FrameChanges(before, after));
  return answer;
}

}  // namespace fv::query
