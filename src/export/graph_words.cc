// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "src/export/figure.h"
#include "src/export/graph_text.h"
#include "src/inspect/list_walk.h"

namespace fv::exports {
namespace {

std::string Count(uint64_t number, const char* one) {
  return absl::StrCat(Grouped(number), " ", one, number == 1 ? "" : "s");
}

}  // namespace

std::string SummaryOf(const AddressMap& map) {
  uint64_t all = 0;
  for (const uint64_t pages : map.pages) all += pages;
  const uint64_t present = all - map.pages[static_cast<size_t>(PageState::kAbsent)];
  return absl::StrCat(Count(map.mappings, "mapping"), ", ", Grouped(present), " of ",
                      Count(all, "page"), " of 4096 bytes present",
                      map.strategy.empty() ? "" : "; fork: ", map.strategy);
}

std::string RangeOf(const AddressRow& row) { return absl::StrFormat("%x-%x", row.start, row.end); }

std::string PagesOf(const AddressRow& row) {
  uint64_t absent = 0;
  for (const Stretch& stretch : row.stretches) {
    absent += stretch.state == PageState::kAbsent ? stretch.pages : 0;
  }
  return absl::StrCat(Grouped(row.pages - absent), " of ", Count(row.pages, "page"));
}

std::string NameOf(const Source& table) {
  return table.tables == 1 ? absl::StrCat("page table ", inspect::Hex(table.frame))
                           : absl::StrCat(Grouped(table.tables), " page tables");
}

std::string FramesOf(const FrameGroup& group) { return Count(group.frames, "frame"); }

std::string MeaningOf(const FrameGroup& group) {
  const char* name = LookOf(group.look).name;
  if (group.look == PageState::kZero) return name;
  if (group.mappers == 0) return absl::StrCat(name, ": smaller groups");
  return absl::StrCat(
      name, group.mappers == 1 && !group.others ? "" : absl::StrCat(", mapped by ", group.mappers),
      group.others ? " and others" : "");
}

std::string TablesOf(const SharingGraph& graph, size_t address_space) {
  const bool shares = std::any_of(graph.tables.begin(), graph.tables.end(),
                                  [&](const Edge& edge) { return edge.from == address_space; });
  return Count(graph.sources[address_space].tables, shares ? "own page table" : "page table");
}

}  // namespace fv::exports
