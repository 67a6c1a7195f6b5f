// SPDX-License-Identifier: Apache-2.0
//
// /proc/PID/maps: one line a mapping, as show_map_vma writes it.
#include "guest/fs/proc_mm.h"
#include "guest/fs/proc_show.h"
#include "guest/mm/vma.h"

namespace fv::guest {

namespace {

constexpr size_t kNameColumn = 73;  // where names begin

const char* SpecialName(const Mm& mm, const Vma& vma) {
  if (vma.start < mm.brk && vma.end > mm.start_brk && vma.object == 0) {
    return "[heap]";
  }
  if (vma.start <= mm.start_stack && vma.end >= mm.start_stack) {
    return "[stack]";
  }
  return nullptr;
}

}  // namespace

void AddMappingLine(TextBuffer& out, const Mm& mm, const Vma& vma) {
  const uint64_t device = vma.source() != nullptr ? vma.source()->MappingDevice() : 0;
  const uint64_t inode = vma.source() != nullptr ? vma.source()->MappingInode() : 0;
  const bool offset_counts = vma.object != 0;
  out.Add("%08lx-%08lx %c%c%c%c %08lx %02x:%02x %lu ", vma.start, vma.end,
          (vma.flags & proto::kVmRead) != 0 ? 'r' : '-',
          (vma.flags & proto::kVmWrite) != 0 ? 'w' : '-',
          (vma.flags & proto::kVmExec) != 0 ? 'x' : '-', vma.is_shared() ? 's' : 'p',
          offset_counts ? vma.page_offset * proto::kPageBytes : 0, DeviceMajor(device),
          DeviceMinor(device), inode);
  char path[512];
  if (vma.source() != nullptr) {
    const size_t length = vma.source()->MappingPath(path, sizeof(path));
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

Status ShowMaps(TextBuffer& out, const ProcKey& key) {
  const MmRef mm(TRY(GetTaskMm(key.task)));
  if (!mm) {
    return Ok();
  }
  for (const Vma& vma : (*mm).vma_list()) {
    AddMappingLine(out, *mm, vma);
  }
  return Ok();
}

}  // namespace fv::guest
