// SPDX-License-Identifier: Apache-2.0
//
// Two passes: every mapping once (entry rules and counts), then every frame once (count rules).
#include "src/oracle/full_checker.h"

#include "src/inspect/table_reader.h"
#include "src/oracle/pid_rules.h"
#include "src/oracle/process_rules.h"
#include "src/oracle/reverse_rules.h"
#include "src/oracle/task_rules.h"
#include "src/oracle/vma_rules.h"

namespace fv::oracle {
namespace {

using inspect::LeafTable;
using inspect::Mm;
using inspect::Snapshot;
using proto::FrameState;
using proto::Pte;

// A leaf table's entries were counted; were so below entries that let writing through.
constexpr uint8_t kCounted = 1;
constexpr uint8_t kCountedWritable = 2;

Rule RuleOf(inspect::Area area) {
  switch (area) {
    case inspect::Area::kTasks:
    case inspect::Area::kCpus:
      return Rule::kTaskMalformed;
    case inspect::Area::kMms:
    case inspect::Area::kVmas:
      return Rule::kVmaMalformed;
    case inspect::Area::kTables:
      return Rule::kTableMalformed;
    case inspect::Area::kProcesses:
      return Rule::kProcessMalformed;
    case inspect::Area::kQueues:
      return Rule::kQueueMalformed;
    case inspect::Area::kFrames:
    case inspect::Area::kObjects:
    case inspect::Area::kSlabs:
      break;
  }
  return Rule::kAccountMalformed;
}

uint64_t UnlistedIdleTasks(const Snapshot& snapshot) {
  uint64_t count = 0;
  for (const proto::CpuRecord& cpu : snapshot.cpus) {
    bool listed = cpu.idle == 0;
    for (const inspect::Task& task : snapshot.tasks) {
      listed = listed || task.address == cpu.idle;
    }
    count += listed ? 0 : 1;
  }
  return count;
}

// What the entries of a page table map, by the state of the frame.
MmPages Held(const Snapshot& snapshot, const inspect::Table& table) {
  MmPages held;
  const uint64_t number = static_cast<uint64_t>(&table - snapshot.tables.data());
  const Pte* entries = snapshot.TableEntries(static_cast<uint32_t>(number));
  for (unsigned i = 0; table.level == 1 && i < proto::kEntriesPerTable; ++i) {
    if (inspect::Present(entries[i])) {
      const FrameState state = snapshot.Frame(inspect::PfnOf(entries[i])).state;
      held.anon += state == FrameState::kAnon;
      held.file += state == FrameState::kFile;
    }
  }
  return held;
}

void CheckCharges(const Snapshot& snapshot, Findings& findings) {
  uint64_t charged = 0;
  for (const inspect::Object& object : snapshot.objects) {
    CheckObjectPages(object, findings);
    charged += ChargedPages(object.record);
  }
  for (const Mm& mm : snapshot.mms) {
    charged += ChargedPages(mm);
  }
  CheckCommitted(snapshot.header, charged, findings);
}

void CheckProcesses(const Snapshot& snapshot, Findings& findings) {
  std::vector<MmUse> mms;
  for (const Mm& mm : snapshot.mms) {
    mms.push_back({mm.address, mm.record.users, mm.record.root_gpa});
  }
  CheckTasks({snapshot.header, snapshot.tasks, snapshot.pid_hash, mms, snapshot.cpus}, findings);
  CheckPids(snapshot.tasks, snapshot.ids, findings);
  const ProcessView processes{snapshot.header, snapshot.tasks, snapshot.cpus, snapshot.slabs,
                              snapshot.processes};
  CheckShares(processes, findings);
  CheckWaiting(processes, findings);
  for (const inspect::Task& task : snapshot.tasks) {
    CheckStack(task, findings);
  }
}

}  // namespace

void AddMalformed(const std::vector<inspect::Malformed>& malformed, Findings& findings) {
  for (const inspect::Malformed& item : malformed) {
    Finding& finding = findings.Add(RuleOf(item.area), item.sentence);
    finding.mm = item.mm;
    finding.address = item.address;
  }
}

void FullChecker::Check(const Snapshot& snapshot, Findings& findings) {
  AddMalformed(snapshot.malformed, findings);
  sums_.assign(memory_.frames(), FrameSums{});
  is_table_.assign(memory_.frames(), 0);
  table_seen_.assign(snapshot.tables.size(), 0);
  walked_ptes_ = 0;
  baseline_ = {};
  CountObjects(snapshot);
  Mappers mappers;
  for (const Mm& mm : snapshot.mms) {
    CheckVmas(mm, findings);
    mappers.Add(mm.vmas);
    WalkMm(snapshot, mm, findings);
    baseline_.vmas += mm.vmas.size();
  }
  CheckTables(snapshot, findings);
  CheckFrames(snapshot, findings);
  CheckTotals(snapshot, mappers.lineages(), findings);
  mappers.Check(memory_, findings);
  CheckCharges(snapshot, findings);
  CheckProcesses(snapshot, findings);
  Locate(snapshot, findings);
  NameTasks(snapshot.tasks, findings.list());
}

void FullChecker::CountObjects(const Snapshot& snapshot) {
  for (const inspect::Object& object : snapshot.objects) {
    for (const inspect::ObjectPage& page : object.pages) {
      ++sums_[page.pfn].object_refs;
    }
  }
}

void FullChecker::WalkMm(const Snapshot& snapshot, const Mm& mm, Findings& findings) {
  MmPages pages;
  pages.tables = mm.table_count;
  pages.shared = mm.shared_count;
  for (const LeafTable& leaf : mm.leaves) {
    WalkLeaf(snapshot, mm, leaf, pages, findings);
  }
  CheckMmPages(mm, pages, findings);
  if (mm.window_user) {
    Finding& finding =
        findings.Add(Rule::kWindowOpen, "user code can reach a page of the kernel's window");
    finding.mm = mm.address;
    finding.address = proto::kKernelBase;
  }
}

void FullChecker::WalkLeaf(const Snapshot& snapshot, const Mm& mm, const LeafTable& leaf,
                           MmPages& pages, Findings& findings) {
  uint8_t& seen = table_seen_[leaf.table];
  const uint32_t add = (seen & kCounted) != 0 ? 0 : 1;
  const bool add_writable = leaf.rights.writable && (seen & kCountedWritable) == 0;
  seen |= leaf.rights.writable ? kCounted | kCountedWritable : kCounted;
  const Pte* entries = snapshot.TableEntries(leaf.table);
  PteSite site{mm.address, 0, 0, leaf.rights, nullptr, {}};
  for (unsigned i = 0; i < proto::kEntriesPerTable; ++i) {
    const Pte pte = entries[i];
    if (!inspect::Present(pte)) {
      continue;
    }
    ++walked_ptes_;
    site.address = leaf.base + i * proto::kPageBytes;
    if (site.vma == nullptr || site.address >= site.vma->end || site.address < site.vma->start) {
      site.vma = FindVma(mm.vmas, site.address);
    }
    site.pte = pte;
    const uint64_t pfn = inspect::PfnOf(pte);
    if (pfn < memory_.frames()) {
      site.frame = snapshot.Frame(pfn);
      FrameSums& sums = sums_[pfn];
      sums.maps += add;
      sums.cow += (pte & proto::kPteCow) != 0 ? add : 0;
      sums.writable += add_writable && (pte & proto::kPteWritable) != 0 ? 1 : 0;
      pages.anon += site.frame.state == FrameState::kAnon;
      pages.file += site.frame.state == FrameState::kFile;
    }
    CheckPte(memory_, snapshot.header.zero_pfn, site, findings);
  }
}

void FullChecker::CheckTables(const Snapshot& snapshot, Findings& findings) {
  for (const inspect::Table& table : snapshot.tables) {
    is_table_[table.pfn] = 1;
    const MmPages held = table.shared_entries == 0 ? MmPages{} : Held(snapshot, table);
    CheckTable({table.pfn, table.level, table.parents, table.shared_entries, table.writable_entries,
                table.mm, table.base, held.anon, held.file},
               snapshot.Frame(table.pfn), findings);
  }
}

// What the kernel counts, and the baseline. After CheckFrames, which has counted the frames.
void FullChecker::CheckTotals(const Snapshot& snapshot, uint64_t lineages, Findings& findings) {
  baseline_.tasks = snapshot.tasks.size();
  baseline_.allocated_tasks = snapshot.tasks.size() + UnlistedIdleTasks(snapshot);
  baseline_.process_objects = ProcessObjects(snapshot.slabs);
  baseline_.mms = snapshot.mms.size();
  baseline_.files = snapshot.processes.files.size();
  baseline_.fd_tables = snapshot.processes.fd_tables.size();
  baseline_.directories = snapshot.processes.fs.size();
  CheckFrameTotals(snapshot.header, baseline_.counts, findings);
  CheckSlabs(
      snapshot.slabs, baseline_.counts,
      {baseline_.allocated_tasks, snapshot.mms.size(), baseline_.vmas, snapshot.objects.size(),
       lineages, snapshot.ids.pids.size(), snapshot.ids.spaces.size()},
      findings);
}

void FullChecker::CheckFrames(const Snapshot& snapshot, Findings& findings) {
  for (uint64_t pfn = 0; pfn < snapshot.frames.size(); ++pfn) {
    const proto::FrameRecord& frame = snapshot.frames[pfn];
    const unsigned state = static_cast<unsigned>(frame.state);
    if (state < kFrameStates) {
      ++baseline_.counts[state];
    }
    CheckFrame(pfn, frame, sums_[pfn], findings);
    if (frame.state == FrameState::kPageTable && is_table_[pfn] == 0) {
      CheckLostTable(pfn, frame, findings);
    }
  }
}

// Findings about a frame alone get an address: the first writable mapping, else the first.
void FullChecker::Locate(const Snapshot& snapshot, Findings& findings) const {
  constexpr size_t kMostSearches = 64;  // each reads every entry
  size_t searches = 0;
  for (Finding& finding : findings.list()) {
    if (!finding.pfn || finding.mm != 0 || ++searches > kMostSearches) {
      continue;
    }
    for (const Mm& mm : snapshot.mms) {
      for (const LeafTable& leaf : mm.leaves) {
        const Pte* entries = snapshot.TableEntries(leaf.table);
        for (unsigned i = 0; i < proto::kEntriesPerTable; ++i) {
          const bool better = finding.mm == 0 || ((entries[i] & proto::kPteWritable) != 0 &&
                                                  (*finding.pte & proto::kPteWritable) == 0);
          if (inspect::Present(entries[i]) && inspect::PfnOf(entries[i]) == *finding.pfn &&
              better) {
            finding.mm = mm.address;
            finding.address = leaf.base + i * proto::kPageBytes;
            finding.pte = entries[i];
          }
        }
      }
    }
  }
}

}  // namespace fv::oracle
