// SPDX-License-Identifier: Apache-2.0
//
// The counters of basic blocks that Clang's SanitizerCoverage puts into kernels that count
// ("inline 8-bit counters"), and what its comparisons leave beside them (compare_trace.cc). The
// kernel only writes; the host reads (src/coverage/kernel_blocks.h). In the kernel that users get
// there is nothing of this.
#pragma once

#ifdef FV_COVERAGE
#include "guest/lib/string.h"

// The linker's: the ends of the sections.
extern "C" {
[[gnu::visibility("hidden")]] extern char __start___sancov_cntrs[];
[[gnu::visibility("hidden")]] extern char __stop___sancov_cntrs[];
[[gnu::visibility("hidden")]] extern char __start_fv_compares[];
[[gnu::visibility("hidden")]] extern char __stop_fv_compares[];
}
#endif

namespace fv::guest {

// What ran up to now shall not count: boot is the same for every program.
inline void ClearBlockCounters() {
#ifdef FV_COVERAGE
  memset(__start___sancov_cntrs, 0,
         static_cast<size_t>(__stop___sancov_cntrs - __start___sancov_cntrs));
  memset(__start_fv_compares, 0, static_cast<size_t>(__stop_fv_compares - __start_fv_compares));
#endif
}

}  // namespace fv::guest
