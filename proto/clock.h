// SPDX-License-Identifier: Apache-2.0
//
// The words from which the guest kernel takes its time, at a fixed place (FV_CLOCK_PHYS), so that
// reading the clock costs one load more than RDTSC.
//
// Ordinarily time is the time-stamp counter plus `tsc_offset`, which the host moves when it brings
// an earlier state back: the guest's time then goes on from there. With kBootDeterministic it is a
// number in memory that only events move: every trap into the kernel by kCyclesPerTrap, and to the
// next timer when nothing can run. Its rate is then kVirtualTscKhz whatever the CPU.
#pragma once

#include <cstdint>

#include "proto/layout.h"

namespace fv::proto {

struct ClockWords {
  uint64_t is_virtual;   // host, before boot: 1 with kBootDeterministic
  uint64_t tsc_offset;   // host: kernel time = TSC + this, modulo 2^64
  uint64_t virtual_tsc;  // kernel: the time, when is_virtual
};
static_assert(sizeof(ClockWords) == 24);

inline constexpr uint64_t kVirtualTscKhz = 1'000'000;
// 10 us: about what a trap costs.
inline constexpr uint64_t kCyclesPerTrap = kVirtualTscKhz / 100;
// 2020-01-01 00:00:00 UTC in ns: when a deterministic guest boots.
inline constexpr uint64_t kVirtualBootWallNs = 1'577'836'800'000'000'000;
// What a deterministic guest draws its random numbers from, unless another seed is given.
inline constexpr uint64_t kVirtualRandomSeed = 0x466F726B7669736F;

}  // namespace fv::proto
