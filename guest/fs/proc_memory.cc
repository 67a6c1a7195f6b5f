// SPDX-License-Identifier: Apache-2.0
//
// /proc/PID files about the address space that are neither maps nor numbers of status: auxv,
// coredump_filter, clear_refs.
#include "guest/fs/proc_mm.h"
#include "guest/fs/proc_show.h"
#include "guest/fs/proc_sysctl.h"
#include "guest/mm/references.h"

namespace fv::guest {

namespace {

constexpr uint64_t kMaxDumpFilter = 0x1ff;  // nine kinds of mappings (core(5))

// Values of clear_refs (Linux: Documentation/filesystems/proc.rst).
enum ClearRefs : uint64_t {
  kClearAll = 1,
  kClearAnon = 2,
  kClearMapped = 3,
  kClearSoftDirty = 4,  // this kernel keeps no soft-dirty bits: nothing to clear
  kClearPeak = 5,
};

}  // namespace

Status ShowAuxv(TextBuffer& out, const ProcKey& key) {
  const MmRef mm(TRY(GetTaskMm(key.task)));
  if (mm) {
    out.Put((*mm).auxv, sizeof((*mm).auxv));
  }
  return Ok();
}

Status ShowCoredumpFilter(TextBuffer& out, const ProcKey& key) {
  const MmRef mm(GetTaskMmOrNull(key.task));
  if (mm) {
    out.Add("%08x\n", (*mm).coredump_filter);
  }
  return Ok();
}

Status StoreCoredumpFilter(const ProcKey& key, const char* text, size_t length) {
  const uint64_t filter = TRY(ParseSysctl(text, length, 0, 0xffffffff));
  const MmRef mm(TRY(GetTaskMm(key.task)));
  if (!mm) {
    return Error(ESRCH);
  }
  (*mm).coredump_filter = static_cast<uint32_t>(filter & kMaxDumpFilter);
  return Ok();
}

Status StoreClearRefs(const ProcKey& key, const char* text, size_t length) {
  const uint64_t what = TRY(ParseSysctl(text, length, kClearAll, kClearPeak));
  const MmRef mm(TRY(GetTaskMm(key.task)));
  if (!mm) {
    return Error(ESRCH);
  }
  switch (what) {
    case kClearAll:
      return ClearReferences(*mm, ReferenceKinds::kAll);
    case kClearAnon:
      return ClearReferences(*mm, ReferenceKinds::kAnonymous);
    case kClearMapped:
      return ClearReferences(*mm, ReferenceKinds::kFiles);
    case kClearPeak:
      (*mm).hiwater_rss = 0;
      break;
    default:
      break;
  }
  return Ok();
}

}  // namespace fv::guest
