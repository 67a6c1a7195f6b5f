// SPDX-License-Identifier: Apache-2.0
#include "src/export/address_map.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "src/inspect/render.h"
#include "src/query/mappings.h"

namespace fv::exports {
namespace {

using inspect::Mm;
using inspect::Vma;
using proto::kPageShift;

void Append(std::vector<Stretch>& stretches, uint64_t pages, PageState state) {
  if (pages == 0) return;
  if (!stretches.empty() && stretches.back().state == state) {
    stretches.back().pages += pages;
  } else {
    stretches.push_back({pages, state});
  }
}

// A file's name without its folders, cut to what a figure has room for.
std::string WhatIs(const query::Moment& moment, const inspect::Vma& vma) {
  constexpr size_t kMost = 14;
  const uint64_t flags = vma.record.flags;
  if ((flags & proto::kVmHeap) != 0) return "[heap]";
  if ((flags & proto::kVmStack) != 0) return "[stack]";
  if (vma.record.object == 0) return "anonymous";
  std::string name = query::PathOf(moment, vma);
  name.erase(0, name.rfind('/') + 1);
  if (name.empty()) return (flags & proto::kVmShared) != 0 ? "shared" : "file";
  std::replace_if(
      name.begin(), name.end(), [](char c) { return c < ' ' || c > '~'; }, '?');
  return name.size() <= kMost ? name : name.substr(0, kMost - 3) + "...";
}

std::vector<AddressRow> RowsOf(const query::Moment& moment, const Mm& mm) {
  std::vector<AddressRow> rows(mm.vmas.size());
  for (size_t i = 0; i < rows.size(); ++i) {
    const proto::VmaRecord& vma = mm.vmas[i].record;
    const bool sane = vma.start < vma.end && vma.end <= proto::kUserEnd;
    rows[i] = {vma.start,
               sane ? vma.end : vma.start,
               1,
               inspect::VmaFlagsText(vma.flags),
               WhatIs(moment, mm.vmas[i]),
               0,
               {}};
    rows[i].rights.resize(4);
  }
  const query::MappingIndex index(moment.snapshot);
  query::ForEachMapping(moment.snapshot, mm, [&](const query::Mapping& mapping) {
    const Vma* vma = query::VmaAt(mm, mapping.address);
    if (vma == nullptr) return;
    AddressRow& row = rows[static_cast<size_t>(vma - mm.vmas.data())];
    const uint64_t page = (mapping.address - row.start) >> kPageShift;
    if (page < row.pages || mapping.address >= row.end) return;
    Append(row.stretches, page - row.pages, PageState::kAbsent);
    Append(row.stretches, 1, StateOf(moment.snapshot, index, mapping, vma));
    row.pages = page + 1;
  });
  for (AddressRow& row : rows) {
    const uint64_t pages = (row.end - row.start) >> kPageShift;
    Append(row.stretches, pages - row.pages, PageState::kAbsent);
    row.pages = pages;
  }
  std::erase_if(rows, [](const AddressRow& row) { return row.pages == 0; });
  return rows;
}

// Neighbours together, so that `most` rows are left.
std::vector<AddressRow> Joined(std::vector<AddressRow> rows, size_t most) {
  const size_t each = (rows.size() + most - 1) / most;
  if (each <= 1) return rows;
  std::vector<AddressRow> joined;
  for (size_t i = 0; i < rows.size(); ++i) {
    if (i % each == 0) {
      joined.push_back(std::move(rows[i]));
      continue;
    }
    AddressRow& row = joined.back();
    row.end = rows[i].end;
    row.pages += rows[i].pages;
    row.what = absl::StrCat(++row.mappings, " mappings");
    for (const Stretch& stretch : rows[i].stretches) {
      Append(row.stretches, stretch.pages, stretch.state);
    }
  }
  return joined;
}

}  // namespace

absl::StatusOr<AddressMap> MapAddresses(const query::Moment& moment, uint32_t pid,
                                        size_t most_rows) {
  const Mm* mm = query::MmOfPid(moment.snapshot, pid);
  if (mm == nullptr) return absl::NotFoundError(absl::StrCat("no address space of task ", pid));
  AddressMap map;
  map.user = query::UserOf(moment.snapshot, *mm);
  const uint64_t strategy = mm->record.fork_strategy;
  if (strategy < moment.strategies.size()) map.strategy = moment.strategies[strategy];
  std::vector<AddressRow> rows = RowsOf(moment, *mm);
  map.mappings = rows.size();
  for (const AddressRow& row : rows) {
    for (const Stretch& stretch : row.stretches) {
      map.pages[static_cast<size_t>(stretch.state)] += stretch.pages;
    }
  }
  map.rows = Joined(std::move(rows), most_rows);
  return map;
}

}  // namespace fv::exports
