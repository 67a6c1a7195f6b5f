// SPDX-License-Identifier: Apache-2.0
//
// Comparisons; see the header.
#include "src/oracle/account_rules.h"

#include <cstring>
#include <string>

#include "src/inspect/list_walk.h"
#include "src/inspect/render.h"

namespace fv::oracle {
namespace {

using proto::FrameState;

// The slab caches whose objects are all on a list that the host can walk.
struct WalkedCache {
  const char* name;
  uint64_t Reached::*count;
};
constexpr WalkedCache kWalkedCaches[] = {
    {"task", &Reached::tasks},
    {"mm", &Reached::mms},
    {"vma", &Reached::vmas},
    {"object", &Reached::objects},
};

}  // namespace

void CheckFrameTotals(const proto::ChannelHeader& header, const StateCounts& counts,
                      Findings& findings) {
  if (header.frame_high_water > header.frame_count) {
    findings.Add(Rule::kFreeFrames,
                 "the high-water mark " + std::to_string(header.frame_high_water) +
                     " lies above the last frame " + std::to_string(header.frame_count));
    return;
  }
  const uint64_t virgin = header.frame_count - header.frame_high_water;
  const uint64_t free = CountOf(counts, FrameState::kFree) + virgin;
  if (header.free_frames != free) {
    findings.Add(Rule::kFreeFrames, "the kernel counts " + std::to_string(header.free_frames) +
                                        " free frames, the frame table has " +
                                        std::to_string(free));
  }
}

void CheckSlabs(std::span<const inspect::SlabCache> slabs, const StateCounts& counts,
                const Reached& reached, Findings& findings) {
  uint64_t frames = 0;
  for (const inspect::SlabCache& slab : slabs) {
    frames += slab.record.frames;
    for (const WalkedCache& cache : kWalkedCaches) {
      if (std::strncmp(slab.record.name, cache.name, sizeof(slab.record.name)) != 0 ||
          slab.record.active_objects == reached.*cache.count) {
        continue;
      }
      findings
          .Add(Rule::kSlabObjects, std::string("cache ") + cache.name + " has " +
                                       std::to_string(slab.record.active_objects) +
                                       " active objects, " + std::to_string(reached.*cache.count) +
                                       " are reachable")
          .address = slab.address;
    }
  }
  if (frames != CountOf(counts, FrameState::kSlab)) {
    findings.Add(Rule::kSlabFrames,
                 "the caches hold " + std::to_string(frames) + " frames, the frame table has " +
                     std::to_string(CountOf(counts, FrameState::kSlab)) + " slab frames");
  }
}

void CheckMmPages(const inspect::Mm& mm, const MmPages& found, Findings& findings) {
  auto compare = [&](const char* what, uint64_t recorded, uint64_t walked) {
    if (recorded != walked) {
      Finding& finding =
          findings.Add(Rule::kMmPages, std::string(what) + " is " + std::to_string(recorded) +
                                           ", its tables give " + std::to_string(walked));
      finding.mm = mm.address;
      finding.address = mm.address;
    }
  };
  compare("anon_pages", mm.record.anon_pages, found.anon);
  compare("file_pages", mm.record.file_pages, found.file);
  compare("table_frames", mm.record.table_frames, found.tables);
}

void CheckObjectPages(const inspect::Object& object, Findings& findings) {
  if (object.record.pages != object.pages.size()) {
    findings
        .Add(Rule::kObjectPages, "the object counts " + std::to_string(object.record.pages) +
                                     " pages, its tree has " + std::to_string(object.pages.size()))
        .address = object.address;
  }
}

void CheckFinal(const Baseline& boot, const Baseline& now, Findings& findings) {
  auto none = [&](FrameState state) {
    const uint64_t before = CountOf(boot.counts, state);
    const uint64_t after = CountOf(now.counts, state);
    if (after > before) {
      findings.Add(Rule::kLeftBehind, std::to_string(after - before) + " frames are still " +
                                          inspect::FrameStateName(state) +
                                          " though every process is gone");
    }
  };
  none(FrameState::kAnon);
  none(FrameState::kPageTable);
  none(FrameState::kKernelStack);
  auto same = [&](const char* what, uint64_t before, uint64_t after) {
    if (after > before) {
      findings.Add(Rule::kLeftBehind, std::to_string(after - before) + " " + what +
                                          " are still there though every process is gone");
    }
  };
  same("tasks", boot.tasks, now.tasks);
  same("address spaces", boot.mms, now.mms);
  same("VMAs", boot.vmas, now.vmas);
}

}  // namespace fv::oracle
