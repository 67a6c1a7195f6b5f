// SPDX-License-Identifier: Apache-2.0
//
// /proc/PID/maps and smaps: one line a mapping, as show_map_vma writes it.
#include "guest/fs/proc_mm.h"
#include "guest/fs/proc_show.h"
#include "guest/mm/vma.h"

namespace fv::guest {

namespace {

constexpr size_t kNameColumn = 73;  // where names begin
constexpr uint64_t kKibPerPage = proto::kPageBytes / 1024;

const char* SpecialName(const Mm& mm, const Vma& vma) {
  if (vma.start < mm.brk && vma.end > mm.start_brk && vma.object == 0) {
    return "[heap]";
  }
  if (vma.start <= mm.start_stack && vma.end >= mm.start_stack) {
    return "[stack]";
  }
  return nullptr;
}

void AddMapping(TextBuffer& out, const Mm& mm, const Vma& vma) {
  const uint64_t device = vma.source != nullptr ? vma.source->MappingDevice() : 0;
  const uint64_t inode = vma.source != nullptr ? vma.source->MappingInode() : 0;
  const bool offset_counts = vma.object != 0;
  out.Add("%08lx-%08lx %c%c%c%c %08lx %02x:%02x %lu ", vma.start, vma.end,
          (vma.flags & proto::kVmRead) != 0 ? 'r' : '-',
          (vma.flags & proto::kVmWrite) != 0 ? 'w' : '-',
          (vma.flags & proto::kVmExec) != 0 ? 'x' : '-', vma.is_shared() ? 's' : 'p',
          offset_counts ? vma.page_offset * proto::kPageBytes : 0, DeviceMajor(device),
          DeviceMinor(device), inode);
  char path[512];
  if (vma.source != nullptr) {
    const size_t length = vma.source->MappingPath(path, sizeof(path));
    out.PadLine(kNameColumn);
    out.Put(path, length);
  } else if (vma.is_shared() && vma.object != 0) {
    out.PadLine(kNameColumn);
    out.Add("/dev/zero (deleted)");
  } else if (const char* name = SpecialName(mm, vma); name != nullptr) {
    out.PadLine(kNameColumn);
    out.Add("%s", name);
  }
  out.Add("\n");
}

uint64_t ResidentPages(const Mm& mm, const Vma& vma) {
  uint64_t pages = 0;
  for (uint64_t at = vma.start; at < vma.end; at += proto::kPageBytes) {
    const Result<bool> present = mm.IsResident(at);
    pages += present.ok() && present.value() ? 1 : 0;
  }
  return pages;
}

void AddUsage(TextBuffer& out, const Mm& mm, const Vma& vma) {
  const uint64_t resident = ResidentPages(mm, vma) * kKibPerPage;
  const bool anonymous = vma.object == 0;
  out.Add("Size:           %8lu kB\nKernelPageSize:        4 kB\nMMUPageSize:           4 kB\n",
          vma.page_count() * kKibPerPage);
  out.Add("Rss:            %8lu kB\nPss:            %8lu kB\n", resident, resident);
  out.Add("Anonymous:      %8lu kB\nSwap:                  0 kB\n", anonymous ? resident : 0);
  out.Add("Locked:         %8lu kB\nVmFlags:%s%s%s%s%s%s\n",
          (vma.flags & proto::kVmLocked) != 0 ? resident : 0,
          (vma.flags & proto::kVmRead) != 0 ? " rd" : "",
          (vma.flags & proto::kVmWrite) != 0 ? " wr" : "",
          (vma.flags & proto::kVmExec) != 0 ? " ex" : "", vma.is_shared() ? " sh" : "",
          (vma.flags & proto::kVmDontCopy) != 0 ? " dc" : "",
          (vma.flags & proto::kVmWipeOnFork) != 0 ? " wf" : "");
}

}  // namespace

Status ShowMaps(TextBuffer& out, const ProcKey& key) {
  const MmRef mm(TRY(GetTaskMm(key.task)));
  if (!mm) {
    return Ok();
  }
  for (const Vma& vma : (*mm).vma_list()) {
    AddMapping(out, *mm, vma);
  }
  return Ok();
}

Status ShowSmaps(TextBuffer& out, const ProcKey& key) {
  const MmRef mm(TRY(GetTaskMm(key.task)));
  if (!mm) {
    return Ok();
  }
  for (const Vma& vma : (*mm).vma_list()) {
    AddMapping(out, *mm, vma);
    AddUsage(out, *mm, vma);
  }
  return Ok();
}

}  // namespace fv::guest
