// SPDX-License-Identifier: Apache-2.0
//
// /proc/PID/status, and the sums of an address space that stat and statm show too.
#include "guest/fs/proc_mm.h"
#include "guest/fs/proc_show.h"
#include "guest/fs/proc_source.h"

namespace fv::guest {

namespace {

constexpr uint64_t kKibPerPage = proto::kPageBytes / 1024;

const char* StateName(char state) {
  switch (state) {
    case 'R':
      return "R (running)";
    case 'S':
      return "S (sleeping)";
    case 'D':
      return "D (disk sleep)";
    case 'T':
      return "T (stopped)";
    case 't':
      return "t (tracing stop)";
    case 'Z':
      return "Z (zombie)";
    default:
      return "X (dead)";
  }
}

void Kib(TextBuffer& out, const char* name, uint64_t pages) {
  out.Add("%s:\t%8lu kB\n", name, pages * kKibPerPage);
}

void AddEach(TextBuffer& out, const char* name, const uint32_t* numbers, uint32_t count) {
  out.Add("%s:", name);
  for (uint32_t i = 0; i < count; ++i) {
    out.Add("\t%u", numbers[i]);
  }
  out.Add("\n");
}

void AddIds(TextBuffer& out, const TaskInfo& info, const TaskIds& ids, const FdTable* files,
            uint32_t umask, bool has_umask) {
  out.Add("Name:\t%.*s\n", static_cast<int>(sizeof(info.comm)), info.comm);
  if (has_umask) {
    out.Add("Umask:\t%c%c%c%c\n", '0', '0' + (umask >> 6 & 7), '0' + (umask >> 3 & 7),
            '0' + (umask & 7));
  }
  out.Add("State:\t%s\nTgid:\t%u\nNgid:\t0\nPid:\t%u\nPPid:\t%u\nTracerPid:\t%u\n",
          StateName(info.state), ids.tgid, ids.pid, ids.ppid, info.tracer);
  out.Add("Uid:\t%u\t%u\t%u\t%u\nGid:\t%u\t%u\t%u\t%u\n", info.uid, info.euid, info.suid,
          info.fsuid, info.gid, info.egid, info.sgid, info.fsgid);
  out.Add("FDSize:\t%u\nGroups:\t", files == nullptr ? 0 : files->capacity());
  for (uint32_t i = 0; i < info.group_count; ++i) {
    out.Add("%u ", info.groups[i]);
  }
  out.Add(info.group_count == 0 ? " " : "");  // Linux ends the list with a space, an empty one too
  out.Add("\n");
  AddEach(out, "NStgid", ids.ns_tgid, ids.levels);
  AddEach(out, "NSpid", ids.ns_pid, ids.levels);
  AddEach(out, "NSpgid", ids.ns_pgid, ids.levels);
  AddEach(out, "NSsid", ids.ns_sid, ids.levels);
  out.Add("Kthread:\t%d\n", info.kernel_task ? 1 : 0);
}

void AddMemory(TextBuffer& out, const Mm& mm) {
  const MmNumbers n = NumbersOf(&mm);
  const uint64_t shared_memory = SharedMemoryPages(mm);
  Kib(out, "VmPeak", n.peak_virtual);
  Kib(out, "VmSize", n.virtual_pages);
  Kib(out, "VmLck", n.locked_pages);
  Kib(out, "VmPin", 0);
  Kib(out, "VmHWM", n.peak_resident);
  Kib(out, "VmRSS", n.resident_pages);
  Kib(out, "RssAnon", n.anon_pages);
  Kib(out, "RssFile", n.file_pages - shared_memory);
  Kib(out, "RssShmem", shared_memory);
  Kib(out, "VmData", n.data_pages);
  Kib(out, "VmStk", n.stack_pages);
  Kib(out, "VmExe", n.code_pages);
  Kib(out, "VmLib", n.lib_pages);
  Kib(out, "VmPTE", n.table_pages);
  Kib(out, "VmSwap", 0);
  Kib(out, "HugetlbPages", 0);
  out.Add("CoreDumping:\t0\nTHP_enabled:\t0\nuntag_mask:\t0xffffffffffffffff\n");
}

void AddSignals(TextBuffer& out, const TaskInfo& info) {
  out.Add("Threads:\t%u\nSigQ:\t%u/%lu\n", info.threads, info.queued_signals,
          info.queued_signal_limit);
  out.Add("SigPnd:\t%016lx\nShdPnd:\t%016lx\nSigBlk:\t%016lx\nSigIgn:\t%016lx\nSigCgt:\t%016lx\n",
          info.pending, info.shared_pending, info.blocked, info.ignored, info.caught);
  out.Add("CapInh:\t%016lx\nCapPrm:\t%016lx\nCapEff:\t%016lx\nCapBnd:\t%016lx\nCapAmb:\t%016lx\n",
          info.cap_inheritable, info.cap_permitted, info.cap_effective, info.cap_bounding,
          info.cap_ambient);
  out.Add("NoNewPrivs:\t%d\nSeccomp:\t0\nSeccomp_filters:\t0\n", info.no_new_privs ? 1 : 0);
  out.Add("Speculation_Store_Bypass:\tunknown\nSpeculationIndirectBranch:\tunknown\n");
  out.Add("Cpus_allowed:\t1\nCpus_allowed_list:\t0\nMems_allowed:\t1\nMems_allowed_list:\t0\n");
  out.Add("voluntary_ctxt_switches:\t%lu\nnonvoluntary_ctxt_switches:\t%lu\n",
          info.voluntary_switches, info.involuntary_switches);
}

}  // namespace

MmNumbers NumbersOf(const Mm* mm) {
  MmNumbers n{};
  if (mm == nullptr) {
    return n;
  }
  n.virtual_pages = mm->total_pages;
  n.resident_pages = mm->anon_pages + mm->file_pages;
  n.peak_virtual = mm->hiwater_vm > mm->total_pages ? mm->hiwater_vm : mm->total_pages;
  n.peak_resident = mm->hiwater_rss > n.resident_pages ? mm->hiwater_rss : n.resident_pages;
  n.file_pages = mm->file_pages;
  n.anon_pages = mm->anon_pages;
  n.locked_pages = mm->locked_pages;
  n.table_pages = mm->table_frames - 1;  // Linux does not count the root
  n.start_code = mm->start_code;
  n.end_code = mm->end_code;
  n.start_data = mm->start_data;
  n.end_data = mm->end_data;
  n.start_brk = mm->start_brk;
  n.start_stack = mm->start_stack;
  const uint64_t code_end = (mm->end_code + proto::kPageBytes - 1) / proto::kPageBytes;
  n.code_pages = code_end - mm->start_code / proto::kPageBytes;
  uint64_t executable = 0;
  for (const Vma& vma : mm->vma_list()) {
    constexpr uint64_t kDataKinds = proto::kVmWrite | proto::kVmShared;
    if ((vma.flags & (proto::kVmStack | proto::kVmGrowsDown)) != 0) {
      n.stack_pages += vma.page_count();
    } else if ((vma.flags & kDataKinds) == proto::kVmWrite) {
      n.data_pages += vma.page_count();
    } else if ((vma.flags & (proto::kVmExec | proto::kVmWrite)) == proto::kVmExec) {
      executable += vma.page_count();
    }
  }
  n.code_pages = n.code_pages < executable ? n.code_pages : executable;
  n.lib_pages = executable - n.code_pages;
  return n;
}

Status ShowTaskStatus(TextBuffer& out, const ProcKey& key) {
  TaskInfo info;
  TaskIds ids;
  if (!FillTaskInfo(key.task, info) || !FillTaskIds(key.task, key.reader, ids)) {
    return Error(ESRCH);
  }
  Result<Ref<FdTable>> files = GetTaskFiles(key.task);
  Result<Ref<FsContext>> fs = GetTaskFs(key.task);
  const bool has_fs = fs.ok() && fs.value();
  AddIds(out, info, ids, files.ok() ? files.value().get() : nullptr, has_fs ? fs.value()->mask : 0,
         has_fs);
  const MmRef mm(GetTaskMmOrNull(key.task));
  if (mm) {
    AddMemory(out, *mm);
  }
  AddSignals(out, info);
  return Ok();
}

}  // namespace fv::guest
