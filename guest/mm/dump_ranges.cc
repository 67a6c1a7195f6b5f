// SPDX-License-Identifier: Apache-2.0
//
// See dump_ranges.h.
#include "guest/mm/dump_ranges.h"

#include "guest/lib/string.h"
#include "guest/mm/frames.h"
#include "guest/mm/page_table.h"
#include "guest/mm/user_copy.h"

namespace fv::guest {
namespace {

using proto::FrameState;
using proto::Pte;

// A page of its own: what Linux knows by the mapping's anon_vma.
bool HasPrivatePages(Mm& mm, const Vma& vma) {
  bool found = false;
  ForEachTable(mm, vma.start, vma.end, [&found](Pte* table, uint64_t, uint64_t count) {
    for (uint64_t i = 0; i < count && !found; ++i) {
      found = (table[i] & proto::kPtePresent) != 0 &&
              FrameOf(PfnOfPte(table[i])).state == FrameState::kAnon;
    }
    return !found;
  });
  return found;
}

bool BeginsWithElfMagic(Mm& mm, const Vma& vma) {
  constexpr char kMagic[4] = {0x7F, 'E', 'L', 'F'};
  char head[sizeof(kMagic)];
  return CopyFromUser(mm, head, vma.start, sizeof(head)).ok() &&
         memcmp(head, kMagic, sizeof(head)) == 0;
}

}  // namespace

uint64_t DumpedBytes(Mm& mm, const Vma& vma) {
  const uint64_t all = vma.end - vma.start;
  const uint32_t filter = mm.coredump_filter;
  const bool file = vma.source() != nullptr;
  if ((vma.flags & proto::kVmDontDump) != 0) {
    return 0;
  }
  if (vma.is_shared()) {
    return (filter & (file ? kDumpFileShared : kDumpAnonShared)) != 0 ? all : 0;
  }
  if ((filter & kDumpAnonPrivate) != 0 && HasPrivatePages(mm, vma)) {
    return all;
  }
  if (!file) {
    return 0;
  }
  if ((filter & kDumpFilePrivate) != 0) {
    return all;
  }
  const bool head = vma.page_offset == 0 && (vma.flags & proto::kVmRead) != 0;
  if ((filter & kDumpElfHeaders) == 0 || !head) {
    return 0;
  }
  const bool headers = (vma.flags & proto::kVmExec) != 0 || BeginsWithElfMagic(mm, vma);
  return headers ? uint64_t{proto::kPageBytes} : 0;
}

const void* DumpPage(Mm& mm, uint64_t address) {
  const Pte* pte = LookupPte(mm, address);
  if (pte == nullptr || (*pte & proto::kPtePresent) == 0) {
    const Vma* vma = mm.FindVma(address);
    if (vma == nullptr || vma->object == 0) {
      return nullptr;  // memory that was never written
    }
    // The page of a file or of shared memory that this process has not looked at yet.
    const Result<uint64_t> pfn = vma->memory_object()->GetPage(vma->ObjectIndex(address));
    return pfn.ok() ? FrameData(pfn.value()) : nullptr;
  }
  return PfnOfPte(*pte) == ZeroPfn() ? nullptr : FrameData(PfnOfPte(*pte));
}

}  // namespace fv::guest
