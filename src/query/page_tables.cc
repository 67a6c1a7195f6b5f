// SPDX-License-Identifier: Apache-2.0
//
// pt: page tables, as merged ranges or as the way of one address.
#include <optional>

#include "absl/strings/str_cat.h"
#include "src/inspect/render.h"
#include "src/query/mappings.h"
#include "src/query/query.h"

namespace fv::query {
namespace {

using inspect::Mm;
using inspect::PfnOf;
using inspect::Snapshot;
using proto::Pte;

// Neighbouring entries that differ in their frame only.
struct Run {
  uint64_t start = 0;
  uint64_t end = 0;
  std::string rights;
  std::string kind;
  uint32_t mappers = 0;
  bool shared_table = false;
  uint64_t first_frame = 0;
  bool contiguous = true;

  bool Continues(const Run& next) const {
    return next.start == end && next.rights == rights && next.kind == kind &&
           next.mappers == mappers && next.shared_table == shared_table;
  }
};

Run RunOf(const Snapshot& snapshot, const MappingIndex& index, const Mapping& mapping) {
  Run run;
  run.start = mapping.address;
  run.end = mapping.address + proto::kPageBytes;
  run.rights = RightsText(mapping, VmaAt(*mapping.mm, mapping.address));
  run.kind = KindText(snapshot, mapping.pte);
  run.mappers = MapsCountedFrame(mapping.pte) ? index.Count(PfnOf(mapping.pte)) : 0;
  run.shared_table = mapping.shared_table;
  run.first_frame = PfnOf(mapping.pte);
  return run;
}

void AddRow(Listing& listing, const Run& run) {
  const bool counted = run.mappers != 0;
  listing.rows.push_back({Hex{run.start}, Hex{run.end}, (run.end - run.start) >> proto::kPageShift,
                          run.rights, run.kind, counted ? Cell(uint64_t{run.mappers}) : Cell(),
                          std::string(run.shared_table ? "shared" : "own"),
                          counted ? Cell(Hex{run.first_frame}) : Cell(),
                          counted ? Cell(std::string(run.contiguous ? "yes" : "no")) : Cell()});
}

absl::StatusOr<const Mm*> FindMm(const Snapshot& snapshot, uint32_t pid) {
  const Mm* mm = MmOfPid(snapshot, pid);
  if (mm == nullptr) return absl::NotFoundError(absl::StrCat("no address space of task ", pid));
  return mm;
}

// The table of `pfn`, or none: tables are found once each, in no useful order.
std::optional<uint32_t> TableAt(const Snapshot& snapshot, uint64_t pfn) {
  for (uint32_t i = 0; i < snapshot.tables.size(); ++i) {
    if (snapshot.tables[i].pfn == pfn) return i;
  }
  return std::nullopt;
}

}  // namespace

absl::StatusOr<Answer> PageTables(const Moment& moment, uint32_t pid, AddressRange range) {
  const Snapshot& snapshot = moment.snapshot;
  absl::StatusOr<const Mm*> mm = FindMm(snapshot, pid);
  if (!mm.ok()) return mm.status();
  const MappingIndex index(snapshot);
  Answer answer;
  Listing& listing = answer.listings.emplace_back();
  listing.name = "ranges";
  listing.columns = {"start",   "end",   "pages",       "rights",    "kind",
                     "mappers", "table", "first_frame", "contiguous"};
  std::optional<Run> run;
  ForEachMapping(snapshot, **mm, [&](const Mapping& mapping) {
    if (mapping.address < range.start || mapping.address >= range.end) return;
    Run next = RunOf(snapshot, index, mapping);
    if (run && run->Continues(next)) {
      const uint64_t pages = (run->end - run->start) >> proto::kPageShift;
      run->contiguous = run->contiguous && next.first_frame == run->first_frame + pages;
      run->end = next.end;
      return;
    }
    if (run) AddRow(listing, *run);
    run = std::move(next);
  });
  if (run) AddRow(listing, *run);
  return answer;
}

absl::StatusOr<Answer> Walk(const Moment& moment, uint32_t pid, uint64_t address) {
  const Snapshot& snapshot = moment.snapshot;
  absl::StatusOr<const Mm*> mm = FindMm(snapshot, pid);
  if (!mm.ok()) return mm.status();
  Answer answer;
  Listing listing;
  listing.name = "levels";
  listing.columns = {"level", "table_frame", "index", "entry_at", "entry", "owner"};
  uint64_t table_pfn = (*mm)->record.root_gpa >> proto::kPageShift;
  uint64_t mapped = 0;
  for (unsigned level = proto::kPageTableLevels; level >= 1; --level) {
    const std::optional<uint32_t> table = TableAt(snapshot, table_pfn);
    if (!table) break;
    const unsigned slot = proto::TableIndex(address, level);
    const Pte entry = snapshot.TableEntries(*table)[slot];
    listing.rows.push_back({uint64_t{level}, Hex{table_pfn}, uint64_t{slot},
                            Hex{(table_pfn << proto::kPageShift) + slot * sizeof(Pte)},
                            inspect::PteText(entry),
                            inspect::FrameText(table_pfn, snapshot.Frame(table_pfn))});
    if (!inspect::Present(entry)) break;
    table_pfn = PfnOf(entry);
    mapped = level == 1 ? table_pfn : 0;
  }
  answer.listings.push_back(std::move(listing));
  if (mapped == 0) {
    answer.notes.emplace_back("nothing is mapped there");
    return answer;
  }
  absl::StatusOr<Answer> frame = OneFrame(moment, mapped);
  if (!frame.ok()) return frame.status();
  for (Listing& part : frame->listings) answer.listings.push_back(std::move(part));
  return answer;
}

}  // namespace fv::query
