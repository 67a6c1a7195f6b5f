// SPDX-License-Identifier: Apache-2.0
//
// /proc/PID/smaps, smaps_rollup and numa_maps: what is present of a mapping, and how many share it,
// by a walk of its entries (Linux: Documentation/filesystems/proc.rst, fs/proc/task_mmu.c).
#include "guest/fs/proc_mm.h"
#include "guest/fs/proc_show.h"
#include "guest/mm/page_table.h"
#include "guest/mm/reverse_map.h"
#include "guest/mm/vma.h"

namespace fv::guest {

namespace {

constexpr size_t kNameColumn = 73;
constexpr uint64_t kKibPerPage = proto::kPageBytes / 1024;
// Proportional shares are summed in 1/4096 of a page.
constexpr uint64_t kShare = 4096;

enum class PageKind : uint8_t { kAnon, kFile, kShared };

struct Usage {
  uint64_t pages = 0;  // present; all but shares are counts of pages
  uint64_t shared_clean = 0, shared_dirty = 0, private_clean = 0, private_dirty = 0;
  uint64_t referenced = 0, anonymous = 0, most_mappers = 0;
  uint64_t share = 0, dirty_share = 0, locked_share = 0;
  uint64_t anon_share = 0, file_share = 0, shared_memory_share = 0;

  void AddPage(proto::Pte pte, PageKind kind, uint64_t mappers, bool locked);
};

void Usage::AddPage(proto::Pte pte, PageKind kind, uint64_t mappers, bool locked) {
  const uint64_t part = kShare / mappers;
  const bool dirty = (pte & proto::kPteDirty) != 0;
  ++pages;
  if (mappers > 1) {
    ++(dirty ? shared_dirty : shared_clean);
  } else {
    ++(dirty ? private_dirty : private_clean);
  }
  referenced += (pte & proto::kPteAccessed) != 0 ? 1 : 0;
  anonymous += kind == PageKind::kAnon ? 1 : 0;
  most_mappers = mappers > most_mappers ? mappers : most_mappers;
  share += part;
  dirty_share += dirty ? part : 0;
  locked_share += locked ? part : 0;
  (kind == PageKind::kAnon   ? anon_share
   : kind == PageKind::kFile ? file_share
                             : shared_memory_share) += part;
}

// The zero frame belongs to nobody and is not counted (Linux: vm_normal_page).
void AddUsage(const Mm& mm, const Vma& vma, Usage& usage) {
  const bool locked = (vma.flags & proto::kVmLocked) != 0;
  const bool shared_memory = vma.object != 0 && vma.memory_object()->is_shared_memory();
  ForEachTable(mm, vma.start, vma.end, [&](const proto::Pte* table, uint64_t va, uint64_t count) {
    for (uint64_t i = 0; i < count; ++i) {
      const proto::Pte pte = table[i];
      const uint64_t address = va + (i << proto::kPageShift);
      const uint64_t mappers = pte != 0 ? MappersOf(mm, address, PfnOfPte(pte)) : 0;
      if (mappers == 0) {
        continue;
      }
      const bool anon = FrameOf(PfnOfPte(pte)).state == proto::FrameState::kAnon;
      usage.AddPage(pte,
                    anon            ? PageKind::kAnon
                    : shared_memory ? PageKind::kShared
                                    : PageKind::kFile,
                    mappers, locked);
    }
    return true;
  });
}

void Kib(TextBuffer& out, const char* name, uint64_t kib) { out.Add("%s%8lu kB\n", name, kib); }
void Pages(TextBuffer& out, const char* name, uint64_t pages) {
  Kib(out, name, pages * kKibPerPage);
}
void Share(TextBuffer& out, const char* name, uint64_t share) {
  Kib(out, name, share * kKibPerPage / kShare);
}

enum class Detail : uint8_t { kMapping, kRollup };

void AddCounts(TextBuffer& out, const Usage& usage, Detail detail) {
  Pages(out, "Rss:            ", usage.pages);
  Share(out, "Pss:            ", usage.share);
  Share(out, "Pss_Dirty:      ", usage.dirty_share);
  if (detail == Detail::kRollup) {
    Share(out, "Pss_Anon:       ", usage.anon_share);
    Share(out, "Pss_File:       ", usage.file_share);
    Share(out, "Pss_Shmem:      ", usage.shared_memory_share);
  }
  Pages(out, "Shared_Clean:   ", usage.shared_clean);
  Pages(out, "Shared_Dirty:   ", usage.shared_dirty);
  Pages(out, "Private_Clean:  ", usage.private_clean);
  Pages(out, "Private_Dirty:  ", usage.private_dirty);
  Pages(out, "Referenced:     ", usage.referenced);
  Pages(out, "Anonymous:      ", usage.anonymous);
  for (const char* none : {"KSM:            ", "LazyFree:       ", "AnonHugePages:  ",
                           "ShmemPmdMapped: ", "FilePmdMapped:  ", "Shared_Hugetlb: ",
                           "Private_Hugetlb:", "Swap:           ", "SwapPss:        "}) {
    Pages(out, none, 0);
  }
  Share(out, "Locked:         ", usage.locked_share);
}

// Two letters a flag, in the order of Linux's bits (show_smap_vma_flags).
void AddFlags(TextBuffer& out, const Vma& vma) {
  struct Letters {
    uint64_t flag;
    char text[4];
  };
  const auto add = [&out, &vma](std::initializer_list<Letters> list) {
    for (const Letters& letters : list) {
      if ((vma.flags & letters.flag) != 0) {
        out.Add("%s ", letters.text);
      }
    }
  };
  out.Add("VmFlags: ");
  add({{proto::kVmRead, "rd"},
       {proto::kVmWrite, "wr"},
       {proto::kVmExec, "ex"},
       {proto::kVmShared, "sh"}});
  constexpr Letters kMay[] = {
      {proto::kVmRead, "mr"}, {proto::kVmWrite, "mw"}, {proto::kVmExec, "me"}};
  for (const Letters& letters : kMay) {
    if ((vma.may & letters.flag) != 0) {
      out.Add("%s ", letters.text);
    }
  }
  add({{proto::kVmShared, "ms"},
       {proto::kVmGrowsDown, "gd"},
       {proto::kVmMaybeGuard, "gu"},
       {proto::kVmLocked, "lo"},
       {proto::kVmSequential, "sr"},
       {proto::kVmRandom, "rr"},
       {proto::kVmDontCopy, "dc"},
       {proto::kVmLockOnFault, "lf"},
       {proto::kVmAccount, "ac"},
       {proto::kVmNoReserve, "nr"},
       {proto::kVmWipeOnFork, "wf"},
       {proto::kVmDontDump, "dd"},
       {proto::kVmHugePage, "hg"},
       {proto::kVmNoHugePage, "nh"},
       {proto::kVmMergeable, "mg"}});
  out.Add("\n");
}

void AddNumaLine(TextBuffer& out, const Mm& mm, const Vma& vma) {
  Usage usage;
  AddUsage(mm, vma, usage);
  out.Add("%08lx default", vma.start);
  char path[512];
  if (vma.source() != nullptr) {
    out.Add(" file=");
    out.Put(path, vma.source()->MappingPath(path, sizeof(path)));
  } else if (vma.start < mm.brk && vma.end > mm.start_brk) {
    out.Add(" heap");
  } else if (vma.start <= mm.start_stack && vma.end >= mm.start_stack) {
    out.Add(" stack");
  }
  const uint64_t dirty = usage.shared_dirty + usage.private_dirty;
  if (usage.pages != 0) {
    if (usage.anonymous != 0) {
      out.Add(" anon=%lu", usage.anonymous);
    }
    if (dirty != 0) {
      out.Add(" dirty=%lu", dirty);
    }
    if (usage.pages != usage.anonymous && usage.pages != dirty) {
      out.Add(" mapped=%lu", usage.pages);
    }
    if (usage.most_mappers > 1) {
      out.Add(" mapmax=%lu", usage.most_mappers);
    }
    out.Add(" active=0 N0=%lu kernelpagesize_kB=4", usage.pages);
  }
  out.Add("\n");
}

}  // namespace

Status ShowSmaps(TextBuffer& out, const ProcKey& key) {
  const MmRef mm(TRY(GetTaskMm(key.task)));
  if (!mm) {
    return Ok();
  }
  for (const Vma& vma : (*mm).vma_list()) {
    Usage usage;
    AddUsage(*mm, vma, usage);
    AddMappingLine(out, *mm, vma);
    Pages(out, "Size:           ", vma.page_count());
    Pages(out, "KernelPageSize: ", 1);
    Pages(out, "MMUPageSize:    ", 1);
    AddCounts(out, usage, Detail::kMapping);
    out.Add("THPeligible:           0\n");
    AddFlags(out, vma);
  }
  return Ok();
}

Status ShowSmapsRollup(TextBuffer& out, const ProcKey& key) {
  const MmRef mm(TRY(GetTaskMm(key.task)));
  if (!mm) {
    return Error(ESRCH);
  }
  Usage usage;
  for (const Vma& vma : (*mm).vma_list()) {
    AddUsage(*mm, vma, usage);
  }
  const Vma* first = (*mm).vma_list().front();
  const Vma* last = (*mm).vma_list().back();
  out.Add("%08lx-%08lx ---p 00000000 00:00 0 ", first != nullptr ? first->start : 0,
          last != nullptr ? last->end : 0);
  out.PadLine(kNameColumn);
  out.Add("[rollup]\n");
  AddCounts(out, usage, Detail::kRollup);
  return Ok();
}

Status ShowNumaMaps(TextBuffer& out, const ProcKey& key) {
  const MmRef mm(TRY(GetTaskMm(key.task)));
  if (!mm) {
    return Ok();
  }
  for (const Vma& vma : (*mm).vma_list()) {
    AddNumaLine(out, *mm, vma);
  }
  return Ok();
}

// Present pages of shared memory are in no counter of their own: file_pages has them too.
uint64_t SharedMemoryPages(const Mm& mm) {
  uint64_t pages = 0;
  for (const Vma& vma : mm.vma_list()) {
    if (vma.object != 0 && vma.memory_object()->is_shared_memory()) {
      Usage usage;
      AddUsage(mm, vma, usage);
      pages += usage.pages - usage.anonymous;
    }
  }
  return pages;
}

}  // namespace fv::guest
