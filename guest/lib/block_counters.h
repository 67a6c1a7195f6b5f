// SPDX-License-Identifier: Apache-2.0
//
// The counters of basic blocks that Clang's SanitizerCoverage puts into //guest:kernel_fuzz
// ("inline 8-bit counters"). The kernel only counts; the host reads them
// (src/fuzz/block_counters.h). In the kernel that users get there are none, and nothing is left of
// this file.
#pragma once

#ifdef FV_COVERAGE
#include "guest/lib/string.h"

// The linker's: the ends of the section.
extern "C" {
[[gnu::visibility("hidden")]] extern char __start___sancov_cntrs[];
[[gnu::visibility("hidden")]] extern char __stop___sancov_cntrs[];
}
#endif

namespace fv::guest {

// What ran up to now shall not count: boot is the same for every program.
inline void ClearBlockCounters() {
#ifdef FV_COVERAGE
  memset(__start___sancov_cntrs, 0,
         static_cast<size_t>(__stop___sancov_cntrs - __start___sancov_cntrs));
#endif
}

}  // namespace fv::guest
