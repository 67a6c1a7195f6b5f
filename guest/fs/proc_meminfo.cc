// SPDX-License-Identifier: Apache-2.0
//
// /proc/meminfo and vmstat: memory by use, summed over the kernel's lists when they are read. Pages
// of objects are files of ramfs and shared memory: cached, and not to be dropped.
#include "guest/fs/proc_show.h"
#include "guest/fs/proc_source.h"
#include "guest/introspect/introspect.h"
#include "guest/mm/commit.h"
#include "guest/mm/frames.h"

namespace fv::guest {

namespace {

constexpr uint64_t kKibPerPage = proto::kPageBytes / 1024;

void Kib(TextBuffer& out, const char* name, uint64_t pages) {
  out.Add("%s%8lu kB\n", name, pages * kKibPerPage);
}

struct MemoryUse {
  uint64_t anonymous = 0, mapped = 0, tables = 0, locked = 0, objects = 0, slabs = 0;
};

MemoryUse CountUse() {
  using Mms = ListView<proto::MmRecord, &proto::MmRecord::mms>;
  using Objects = ListView<proto::ObjectRecord, &proto::ObjectRecord::objects>;
  using Caches = ListView<proto::SlabCacheRecord, &proto::SlabCacheRecord::caches>;
  MemoryUse use;
  for (const proto::MmRecord& mm : Mms(*reinterpret_cast<proto::Link*>(Channel().mms))) {
    use.anonymous += mm.anon_pages;
    use.mapped += mm.file_pages;
    use.tables += mm.table_frames;
    use.locked += mm.locked_pages;
  }
  for (const auto& object : Objects(*reinterpret_cast<proto::Link*>(Channel().objects))) {
    use.objects += object.pages;
  }
  for (const auto& cache : Caches(*reinterpret_cast<proto::Link*>(Channel().slab_caches))) {
    use.slabs += cache.frames;
  }
  return use;
}

uint64_t KernelStackPages() {
  return Channel().task_count * (proto::kKernelStackBytes / proto::kPageBytes);
}

}  // namespace

Status ShowMeminfo(TextBuffer& out, const ProcKey&) {
  const uint64_t total = TotalFrames();
  const uint64_t free = FreeFrameCount();
  const MemoryUse use = CountUse();
  Kib(out, "MemTotal:       ", total);
  Kib(out, "MemFree:        ", free);
  Kib(out, "MemAvailable:   ", free);
  Kib(out, "Buffers:        ", 0);
  Kib(out, "Cached:         ", use.objects);
  Kib(out, "SwapCached:     ", 0);
  Kib(out, "Active:         ", use.anonymous);
  Kib(out, "Inactive:       ", use.objects);
  Kib(out, "Active(anon):   ", use.anonymous);
  Kib(out, "Inactive(anon): ", use.objects);
  Kib(out, "Active(file):   ", 0);
  Kib(out, "Inactive(file): ", 0);
  Kib(out, "Unevictable:    ", use.locked);
  Kib(out, "Mlocked:        ", use.locked);
  Kib(out, "SwapTotal:      ", 0);
  Kib(out, "SwapFree:       ", 0);
  Kib(out, "Zswap:          ", 0);
  Kib(out, "Zswapped:       ", 0);
  Kib(out, "Dirty:          ", 0);
  Kib(out, "Writeback:      ", 0);
  Kib(out, "AnonPages:      ", use.anonymous);
  Kib(out, "Mapped:         ", use.mapped);
  Kib(out, "Shmem:          ", use.objects);
  Kib(out, "KReclaimable:   ", 0);
  Kib(out, "Slab:           ", use.slabs);
  Kib(out, "SReclaimable:   ", 0);
  Kib(out, "SUnreclaim:     ", use.slabs);
  Kib(out, "KernelStack:    ", KernelStackPages());
  Kib(out, "PageTables:     ", use.tables);
  for (const char* none :
       {"SecPageTables:  ", "NFS_Unstable:   ", "Bounce:         ", "WritebackTmp:   "}) {
    Kib(out, none, 0);
  }
  Kib(out, "CommitLimit:    ", CommitLimit());
  Kib(out, "Committed_AS:   ", CommittedPages());
  out.Add("VmallocTotal:   34359738367 kB\n");
  for (const char* none : {"VmallocUsed:    ", "VmallocChunk:   ", "Percpu:         ",
                           "AnonHugePages:  ", "ShmemHugePages: ", "ShmemPmdMapped: ",
                           "FileHugePages:  ", "FilePmdMapped:  ", "Balloon:        "}) {
    Kib(out, none, 0);
  }
  out.Add("HugePages_Total:       0\nHugePages_Free:        0\nHugePages_Rsvd:        0\n");
  out.Add("HugePages_Surp:        0\nHugepagesize:       2048 kB\n");
  Kib(out, "Hugetlb:        ", 0);
  Kib(out, "DirectMap4k:    ", 0);
  Kib(out, "DirectMap2M:    ", total);
  return Ok();
}

Status ShowVmstat(TextBuffer& out, const ProcKey&) {
  const MemoryUse use = CountUse();
  struct Line {
    const char* name;
    uint64_t value;
  };
  const Line lines[] = {
      {"nr_free_pages", FreeFrameCount()},
      {"nr_mlock", use.locked},
      {"nr_anon_pages", use.anonymous},
      {"nr_mapped", use.mapped},
      {"nr_file_pages", use.objects},
      {"nr_dirty", 0},
      {"nr_writeback", 0},
      {"nr_shmem", use.objects},
      {"nr_kernel_stack", KernelStackPages() * kKibPerPage},
      {"nr_page_table_pages", use.tables},
      {"nr_slab_reclaimable", 0},
      {"nr_slab_unreclaimable", use.slabs},
      {"pswpin", 0},
      {"pswpout", 0},
      {"pgfault", reinterpret_cast<const proto::CpuRecord*>(Channel().cpus)->faults},
      {"pgmajfault", 0},
  };
  for (const Line& line : lines) {
    out.Add("%s %lu\n", line.name, line.value);
  }
  return Ok();
}

}  // namespace fv::guest
