// SPDX-License-Identifier: Apache-2.0
//
// What the guest's CPU can do, read from KVM_GET_SUPPORTED_CPUID and from nothing else, and the
// CPUID table that the guest sees. Leaves and bits: Intel SDM volume 2, CPUID.
#pragma once

#include "vmm/kvm_api.h"

#include <cstdint>
#include <span>
#include <vector>

namespace fv::vmm {

struct CpuFeatures {
  bool long_mode;  // with SYSCALL, NX, FXSR and SSE2: what no guest can do without
  bool fsgsbase;
  bool smep;
  bool smap;
  bool xsave;
  uint64_t xcr0;         // components of XCR0 that the guest may use; 0 without XSAVE
  uint64_t xsave_bytes;  // of a standard-format XSAVE area for xcr0
  uint64_t most_ram;     // bytes of RAM that it can address, with the doorbell behind them
};

CpuFeatures ReadFeatures(std::span<const kvm_cpuid_entry2> supported);

enum class Xsave { kOffer, kHide };

// The guest's table: one CPU, APIC id 0, no nested virtualization; with kHide also neither XSAVE
// nor anything that needs it (AVX and later).
std::vector<kvm_cpuid_entry2> GuestCpuid(std::span<const kvm_cpuid_entry2> supported, Xsave xsave);

}  // namespace fv::vmm
