// SPDX-License-Identifier: Apache-2.0
//
// Comparisons; see the header.
#include "src/oracle/account_rules.h"

#include <cstring>
#include <iterator>
#include <string>

#include "src/inspect/list_walk.h"
#include "src/inspect/render.h"

namespace fv::oracle {
namespace {

using proto::FrameState;

// The slab caches whose objects are all on a list that the host can walk.
// A task that was released lives on, off the list, while somebody (a pidfd) refers to it.
enum class Off { kNever, kPossibly };
struct WalkedCache {
  const char* name;
  uint64_t Reached::*count;
  Off off_list;
};
constexpr WalkedCache kWalkedCaches[] = {
    {"task_struct", &Reached::tasks, Off::kPossibly},
    {"mm", &Reached::mms, Off::kNever},
    {"vma", &Reached::vmas, Off::kNever},
    {"object", &Reached::objects, Off::kNever},
    {"anon_lineage", &Reached::lineages, Off::kNever},
    {"pid", &Reached::pids, Off::kNever},
    {"pid_namespace", &Reached::pid_spaces, Off::kNever},
};

// What processes are made of: caches that are as empty after the last process as before the first.
constexpr const char* kProcessCaches[] = {
    "task_struct", "sighand_cache", "signal_cache",       "fpu_state", "mm",
    "vma",         "sigqueue",      "posix_timers_cache", "cred_jar",  "anon_lineage",
    "pid",         "pid_namespace", "uts_namespace",
};

bool IsNamed(const inspect::SlabCache& slab, const char* name) {
  return std::strncmp(slab.record.name, name, sizeof(slab.record.name)) == 0;
}

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
      if (!IsNamed(slab, cache.name)) {
        continue;
      }
      const uint64_t active = slab.record.active_objects;
      const uint64_t found = reached.*cache.count;
      if (active == found || (cache.off_list == Off::kPossibly && active > found)) {
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
  compare("shared_tables", mm.record.shared_tables, found.shared);
}

void CheckObjectPages(const inspect::Object& object, Findings& findings) {
  if (object.record.pages != object.pages.size()) {
    findings
        .Add(Rule::kObjectPages, "the object counts " + std::to_string(object.record.pages) +
                                     " pages, its tree has " + std::to_string(object.pages.size()))
        .address = object.address;
  }
}

uint64_t ChargedPages(const inspect::Mm& mm) {
  uint64_t pages = 0;
  for (const inspect::Vma& vma : mm.vmas) {
    const bool charged = (vma.record.flags & proto::kVmAccount) != 0;
    pages += charged ? (vma.record.end - vma.record.start) >> proto::kPageShift : 0;
  }
  return pages;
}

uint64_t ChargedPages(const proto::ObjectRecord& object) {
  return object.accounting == proto::ObjectAccounting::kBySize
             ? (object.bytes + proto::kPageBytes - 1) >> proto::kPageShift
             : object.pages;
}

void CheckCommitted(const proto::ChannelHeader& header, uint64_t charged, Findings& findings) {
  if (header.committed_pages != charged) {
    findings.Add(Rule::kCommitted,
                 "the kernel has promised " + std::to_string(header.committed_pages) +
                     " pages, mappings and objects are charged for " + std::to_string(charged));
  }
}

std::vector<uint64_t> ProcessObjects(std::span<const inspect::SlabCache> slabs) {
  std::vector<uint64_t> active(std::size(kProcessCaches));
  for (const inspect::SlabCache& slab : slabs) {
    for (size_t i = 0; i < active.size(); ++i) {
      active[i] += IsNamed(slab, kProcessCaches[i]) ? slab.record.active_objects : 0;
    }
  }
  return active;
}

void CheckFinal(const Baseline& boot, const Baseline& now, Findings& findings) {
  auto compare = [&](const std::string& what, uint64_t before, uint64_t after) {
    if (after > before) {
      findings.Add(Rule::kLeftBehind, "there were " + std::to_string(before) + " " + what +
                                          " before the first process, there are " +
                                          std::to_string(after) + " after the last");
    }
  };
  for (const FrameState state : {FrameState::kAnon, FrameState::kPageTable}) {
    compare(std::string(inspect::FrameStateName(state)) + " frames", CountOf(boot.counts, state),
            CountOf(now.counts, state));
  }
  // The tasks of the kernel itself have one stack each, the first program's is gone.
  constexpr uint64_t kStackFrames = proto::kKernelStackBytes / proto::kPageBytes;
  compare("kernel-stack frames", now.allocated_tasks * kStackFrames,
          CountOf(now.counts, FrameState::kKernelStack));
  compare("tasks", boot.tasks, now.tasks);
  compare("address spaces", boot.mms, now.mms);
  compare("VMAs", boot.vmas, now.vmas);
  compare("open files", boot.files, now.files);
  compare("descriptor tables", boot.fd_tables, now.fd_tables);
  compare("working directories", boot.directories, now.directories);
  for (size_t i = 0; i < boot.process_objects.size() && i < now.process_objects.size(); ++i) {
    compare(std::string("objects of the cache ") + kProcessCaches[i], boot.process_objects[i],
            now.process_objects[i]);
  }
}

}  // namespace fv::oracle
