// SPDX-License-Identifier: Apache-2.0
//
// Is guest ring 0 executed by the CPU or emulated by KVM? Measured in a scratch VM: a counted
// loop in ring 0 between two RDTSC. Emulation costs 1,000 cycles an instruction and more, a CPU
// under ten, so the answer needs no vendor name and no version.
#pragma once

#include <cstdint>

#include "vmm/kvm.h"

namespace fv::vmm {

struct RingProbe {
  bool ring0_emulated;
  uint64_t cycles_per_iteration;
};

// More cycles than this for one loop iteration of two instructions means emulation.
inline constexpr uint64_t kEmulatedCycles = 100;

// Costs 2 to 4 ms. Throws VmmError.
RingProbe ProbeRing0(const Kvm& kvm);
// Probes once in the life of the process. Any thread.
RingProbe CachedRingProbe(const Kvm& kvm);

}  // namespace fv::vmm
