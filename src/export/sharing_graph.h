// SPDX-License-Identifier: Apache-2.0
//
// Who shares memory with whom: address spaces, page tables that several of them share, and frames
// in groups - all frames of a kind that the same ones map.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "src/export/page_looks.h"
#include "src/query/moment.h"

namespace fv::exports {

// What has entries that map frames: an address space by tables of its own, or page tables that
// several share.
struct Source {
  enum class Kind { kAddressSpace, kTables };
  Kind kind = Kind::kAddressSpace;
  std::vector<std::string> tasks;  // of an address space: "2 fork_two_pages", by pid
  // How many: its own (page tables of all levels); shared ones of level 1, by the same ones.
  uint64_t tables = 0;
  uint64_t frame = 0;  // of a shared one, if it is one
};

struct FrameGroup {
  PageState look = PageState::kOwn;
  uint64_t frames = 0;
  uint64_t mappers = 0;  // sources that map each of them; 0: of several groups, with different ones
  bool others = false;   // somebody who is not in the graph does, too
};

// `count`: entries that point there.
struct Edge {
  size_t from = 0;  // a source
  size_t to = 0;    // a source (tables) or a group
  uint64_t count = 0;
};

struct SharingGraph {
  std::vector<Source> sources;  // address spaces first
  size_t address_spaces = 0;
  std::vector<FrameGroup> groups;
  std::vector<Edge> tables;  // address space to tables
  std::vector<Edge> frames;  // source to group
};

// Address spaces that a figure has room for.
inline constexpr size_t kMostAddressSpaces = 40;
// With more shared tables than these, those that the same ones share are drawn as one.
inline constexpr size_t kMostTables = 24;
inline constexpr size_t kMostTableGroups = 60;
// Further groups become one for each kind.
inline constexpr size_t kMostGroups = 40;

// Of the address spaces of `pids`; of none: of all that a task uses. Errors: NotFound;
// ResourceExhausted (too many to draw).
absl::StatusOr<SharingGraph> GraphOf(const query::Moment& moment,
                                     const std::vector<uint32_t>& pids);

}  // namespace fv::exports
