// SPDX-License-Identifier: Apache-2.0
//
// What of an address space a core file holds (core(5), "Controlling which mappings are written to
// the core dump"). Context: the process runs no more.
#pragma once

#include <cstdint>

#include "guest/mm/mm.h"

namespace fv::guest {

// Bits of /proc/PID/coredump_filter.
enum DumpFilter : uint32_t {
  kDumpAnonPrivate = 1u << 0,
  kDumpAnonShared = 1u << 1,
  kDumpFilePrivate = 1u << 2,
  kDumpFileShared = 1u << 3,
  kDumpElfHeaders = 1u << 4,
  kDumpHugePrivate = 1u << 5,
};

// Bytes from the start of `vma` that are dumped: all, the first page (the ELF headers of a file),
// or none (Linux: vma_dump_size).
uint64_t DumpedBytes(Mm& mm, const Vma& vma);
// The page at `address` as the process would read it, or nullptr: it is not there, or zero.
const void* DumpPage(Mm& mm, uint64_t address);

}  // namespace fv::guest
