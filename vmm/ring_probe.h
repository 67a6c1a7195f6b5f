// SPDX-License-Identifier: Apache-2.0
//
// Two questions that no CPUID table answers, put to a scratch VM.
//
// Is guest ring 0 executed by the CPU or emulated by KVM? A counted loop in ring 0 stands between
// two RDTSC: emulation costs 1,000 cycles an instruction and more, a CPU under ten.
//
// Which extended state do user programs use? Software KVM does not intercept CPUID in ring 3, so
// programs see the host's own CPU, AVX and all, whatever the guest's table says; what they can use
// the guest kernel must save. So ring-3 code asks CPUID and XGETBV as a program would.
#pragma once

#include <cstdint>

#include "vmm/kvm.h"

namespace fv::vmm {

struct RingProbe {
  bool ring0_emulated;
  uint64_t cycles_per_iteration;
  uint64_t user_xcr0;         // as ring 3 sees it; 0: no XSAVE
  uint64_t user_xsave_bytes;  // of a standard-format area for user_xcr0 (or for a superset)
};

// More cycles than this for one loop iteration of two instructions means emulation.
inline constexpr uint64_t kEmulatedCycles = 100;

// Costs 2 to 5 ms. Throws VmmError.
RingProbe ProbeRings(const Kvm& kvm);
// Probes once in the life of the process. Any thread.
RingProbe CachedRingProbe(const Kvm& kvm);

}  // namespace fv::vmm
