// SPDX-License-Identifier: Apache-2.0
//
// I11 and the counting half of I12: the kernel's own totals against what a walk found. Every rule
// is a comparison of numbers; who counted them, by a walk or by differences, does not matter here.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "proto/channel.h"
#include "src/inspect/memory_reader.h"
#include "src/inspect/snapshot.h"
#include "src/oracle/finding.h"

namespace fv::oracle {

inline constexpr unsigned kFrameStates = static_cast<unsigned>(proto::FrameState::kZero) + 1;
// Frames below the high-water mark by state; unknown states are counted nowhere.
using StateCounts = std::array<uint64_t, kFrameStates>;

inline uint64_t CountOf(const StateCounts& counts, proto::FrameState state) {
  return counts[static_cast<unsigned>(state)];
}

// How many of the structures that slab caches hold were reached by walking lists.
struct Reached {
  uint64_t tasks = 0;  // on the list, and idle tasks that are not
  uint64_t mms = 0;
  uint64_t vmas = 0;
  uint64_t objects = 0;
  uint64_t lineages = 0;  // that some VMA names
  uint64_t pids = 0;
  uint64_t pid_spaces = 0;
};

// Free frames and the high-water mark.
void CheckFrameTotals(const proto::ChannelHeader& header, const StateCounts& counts,
                      Findings& findings);
// Objects and frames of slab caches.
void CheckSlabs(std::span<const inspect::SlabCache> slabs, const StateCounts& counts,
                const Reached& reached, Findings& findings);

struct MmPages {
  uint64_t anon = 0;  // present entries by the state of the frame
  uint64_t file = 0;
  uint64_t tables = 0;  // page-table frames, shared ones counted in each
  uint64_t shared = 0;  // entries that mark a table as shared
};
void CheckMmPages(const inspect::Mm& mm, const MmPages& found, Findings& findings);
void CheckObjectPages(const inspect::Object& object, Findings& findings);

// What overcommit charged: pages of mappings that are accounted, and an object by its own rule.
uint64_t ChargedPages(const inspect::Mm& mm);
uint64_t ChargedPages(const proto::ObjectRecord& object);
// `charged`: the sum over all address spaces and objects.
void CheckCommitted(const proto::ChannelHeader& header, uint64_t charged, Findings& findings);

// What stays when nobody runs: taken at the boot safepoint, compared at the final one.
struct Baseline {
  StateCounts counts{};
  uint64_t tasks = 0;            // on the list
  uint64_t allocated_tasks = 0;  // idle tasks included
  uint64_t mms = 0;
  uint64_t vmas = 0;
  // On the kernel's lists.
  uint64_t files = 0;
  uint64_t fd_tables = 0;
  uint64_t directories = 0;  // working directories
  std::vector<uint64_t> process_objects;
};
// Active objects of the caches that only processes fill, in a fixed order.
std::vector<uint64_t> ProcessObjects(std::span<const inspect::SlabCache> slabs);
void CheckFinal(const Baseline& boot, const Baseline& now, Findings& findings);

}  // namespace fv::oracle
