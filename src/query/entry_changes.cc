// SPDX-License-Identifier: Apache-2.0
#include "src/query/entry_changes.h"

#include <optional>
#include <vector>

#include "absl/strings/str_cat.h"
#include "src/query/mappings.h"

namespace fv::query {
namespace {

using proto::Pte;

std::vector<Mapping> MappingsOf(const inspect::Snapshot& snapshot, const inspect::Mm& mm) {
  std::vector<Mapping> all;
  ForEachMapping(snapshot, mm, [&all](const Mapping& mapping) { all.push_back(mapping); });
  return all;
}

struct Run {
  uint64_t start = 0;
  uint64_t end = 0;
  std::string change;
};

class Rows {
 public:
  Rows(const std::string& user, Listing& listing) : user_(user), listing_(listing) {}
  ~Rows() { Flush(); }
  Rows(const Rows&) = delete;

  void Add(uint64_t address, std::string change) {
    if (change.empty()) return;
    if (run_ && run_->end == address && run_->change == change) {
      run_->end += proto::kPageBytes;
      return;
    }
    Flush();
    run_ = Run{address, address + proto::kPageBytes, std::move(change)};
  }

 private:
  void Flush() {
    if (!run_) return;
    listing_.rows.push_back({user_, Hex{run_->start}, Hex{run_->end},
                             (run_->end - run_->start) >> proto::kPageShift, run_->change});
    run_.reset();
  }

  const std::string& user_;
  Listing& listing_;
  std::optional<Run> run_;
};

// The entry would let its process write, but the table that it is in is shared: a write copies.
bool IsCopyOnWriteByTable(const inspect::Mm& mm, const Mapping& mapping) {
  if (!mapping.shared_table || (mapping.pte & proto::kPteWritable) == 0) return false;
  const inspect::Vma* vma = VmaAt(mm, mapping.address);
  return vma != nullptr && (vma->record.flags & proto::kVmShared) == 0;
}

// What became of an entry with the table that it is in.
std::string ChangeWithTable(const inspect::Mm& was, const Mapping& before, const inspect::Mm& is,
                            const Mapping& after) {
  std::string text = EntryChange(before.pte, after.pte);
  const bool by_table = IsCopyOnWriteByTable(is, after);
  if (by_table == IsCopyOnWriteByTable(was, before) || after.pte == 0) return text;
  const bool still = !by_table && (after.pte & proto::kPteCow) != 0;
  if (still) return text;
  return absl::StrCat(
      text, text.empty() ? "" : ", ",
      by_table ? "copy-on-write (shared table)" : "no longer copy-on-write (own table)");
}

}  // namespace

Listing EntryChangesListing() {
  return {"entries", {"task", "start", "end", "pages", "change"}, {}};
}

std::string EntryChange(Pte before, Pte after) {
  const Pte changed = before ^ after;
  if (before == 0) return (after & proto::kPteCow) != 0 ? "new, copy-on-write" : "new";
  if (after == 0) return "gone";
  std::string text;
  const auto add = [&text](const char* what) {
    absl::StrAppend(&text, text.empty() ? "" : ", ", what);
  };
  if ((changed & proto::kPteFrameMask) != 0) add("another frame");
  if ((changed & proto::kPteCow) != 0) {
    add((after & proto::kPteCow) != 0 ? "copy-on-write" : "no longer copy-on-write");
  } else if ((changed & proto::kPteWritable) != 0) {
    add((after & proto::kPteWritable) != 0 ? "writable" : "read-only");
  }
  if ((changed & proto::kPteUser) != 0) {
    add((after & proto::kPteUser) != 0 ? "accessible" : "not accessible");
  }
  if ((changed & proto::kPteNoExecute) != 0) {
    add((after & proto::kPteNoExecute) != 0 ? "not executable" : "executable");
  }
  return text;
}

void AddEntryChanges(const std::string& user, const inspect::Snapshot& before,
                     const inspect::Mm& was, const inspect::Snapshot& after, const inspect::Mm& is,
                     Listing& listing) {
  const std::vector<Mapping> old_entries = MappingsOf(before, was);
  const std::vector<Mapping> new_entries = MappingsOf(after, is);
  Rows rows(user, listing);
  auto old_entry = old_entries.begin();
  auto new_entry = new_entries.begin();
  while (old_entry != old_entries.end() || new_entry != new_entries.end()) {
    const uint64_t old_at = old_entry != old_entries.end() ? old_entry->address : UINT64_MAX;
    const uint64_t new_at = new_entry != new_entries.end() ? new_entry->address : UINT64_MAX;
    const Mapping from = old_at <= new_at ? *old_entry++ : Mapping{};
    const Mapping to = new_at <= old_at ? *new_entry++ : Mapping{};
    rows.Add(std::min(old_at, new_at), ChangeWithTable(was, from, is, to));
  }
}

}  // namespace fv::query
