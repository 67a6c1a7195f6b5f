// SPDX-License-Identifier: Apache-2.0
//
// The vCPU's state at the guest kernel's first instruction: 64-bit mode, paging on, in kernel ring
// 0 or 3. A pure function, so that a unit test can hold the result against the guest-state checks
// of VM entry (Intel SDM volume 3, 27.3.1) on a machine that has no VT-x.
//
// Register contract with the kernel's entry code: RIP = ELF entry, RDI = direct-map address of
// proto::BootInfo, every other general register 0 (RSP too: the kernel brings its own stack), IF=0.
// GDT, IDT and TSS registers point at the stub's pages (proto/layout.h); the kernel fills the
// tables itself before anything can use them.
#pragma once

#include "vmm/kvm_api.h"

#include <cstdint>
#include <vector>

#include "vmm/cpuid.h"

namespace fv::vmm {

struct CpuPlan {
  unsigned ring;  // 0 or 3
  bool use_xsave;
  uint64_t root_gpa;   // CR3
  uint64_t entry_gva;  // RIP
};

struct CpuState {
  kvm_regs regs;
  kvm_sregs sregs;
  std::vector<kvm_msr_entry> msrs;
  uint64_t xcr0;  // 0: leave XCR0 alone
};

// `reset` is what KVM_GET_SREGS gave for the fresh vCPU; only its APIC base is kept.
CpuState InitialCpuState(const CpuPlan& plan, const CpuFeatures& features, const kvm_sregs& reset);

// Control register and MSR bits by name (Intel SDM volume 3, 2.5; volume 4).
inline constexpr uint64_t kCr0Pe = 1u << 0;
inline constexpr uint64_t kCr0Mp = 1u << 1;
inline constexpr uint64_t kCr0Et = 1u << 4;
inline constexpr uint64_t kCr0Ne = 1u << 5;
inline constexpr uint64_t kCr0Wp = 1u << 16;
inline constexpr uint64_t kCr0Pg = 1u << 31;
inline constexpr uint64_t kCr4Pae = 1u << 5;
inline constexpr uint64_t kCr4Pge = 1u << 7;
inline constexpr uint64_t kCr4Osfxsr = 1u << 9;
inline constexpr uint64_t kCr4Osxmmexcpt = 1u << 10;
inline constexpr uint64_t kCr4Fsgsbase = 1u << 16;
inline constexpr uint64_t kCr4Osxsave = 1u << 18;
inline constexpr uint64_t kCr4Smep = 1u << 20;
inline constexpr uint64_t kCr4Smap = 1u << 21;
inline constexpr uint64_t kEferSce = 1u << 0;
inline constexpr uint64_t kEferLme = 1u << 8;
inline constexpr uint64_t kEferLma = 1u << 10;
inline constexpr uint64_t kEferNxe = 1u << 11;
inline constexpr uint32_t kMsrTsc = 0x10;
inline constexpr uint32_t kMsrStar = 0xC0000081;
inline constexpr uint32_t kMsrLstar = 0xC0000082;
inline constexpr uint32_t kMsrCstar = 0xC0000083;
inline constexpr uint32_t kMsrSfmask = 0xC0000084;

}  // namespace fv::vmm
