// SPDX-License-Identifier: Apache-2.0
//
// The fork strategies of a kernel: how fork copies an address space. They go by name. Which ones a
// kernel has stands in its ELF file, in the section kForkStrategySection: a ForkStrategyRecord for
// each. An address space has its strategy's place in that array (MmRecord::fork_strategy).
#pragma once

#include <cstdint>
#include <type_traits>

namespace fv::proto {

inline constexpr char kForkStrategySection[] = "fv_fork_strategies";
inline constexpr unsigned kForkStrategyNameBytes = 16;  // NUL included
inline constexpr char kDefaultForkStrategy[] = "classic";

// What a fork makes of the pages of private memory.
enum class ForkMemory : uint64_t {
  kShares = 0,  // parent and child have them together until somebody writes
  kCopies,      // the child gets its own at once: a guest needs room for both
};

struct ForkStrategyRecord {
  char name[kForkStrategyNameBytes];  // padded with NULs
  ForkMemory memory;
  uint64_t strategy;  // the kernel's object
};
static_assert(sizeof(ForkStrategyRecord) == 32);
static_assert(std::is_standard_layout_v<ForkStrategyRecord> &&
              std::is_trivially_copyable_v<ForkStrategyRecord>);

// prctl(kPrForkStrategy, const char* name, char before[kForkStrategyNameBytes]): how the next fork
// of the caller's address space copies it. `name` null only asks, `before` null does not want to
// know what held until now. 0; EINVAL: the kernel has no such strategy; EFAULT. Inherited by fork,
// kept by exec. Linux has no such operation (EINVAL).
inline constexpr int kPrForkStrategy = 0x46560003;

}  // namespace fv::proto
