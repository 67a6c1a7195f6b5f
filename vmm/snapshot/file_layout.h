// SPDX-License-Identifier: Apache-2.0
//
// The bytes of a snapshot file, shared by its writer and its reader.
#pragma once

#include "vmm/kvm_api.h"

#include <cstdint>
#include <type_traits>

#include "proto/boot_info.h"

namespace fv::vmm::file {

inline constexpr uint64_t kMagic = 0x50414E5356524B46;  // "FKRVSNAP"

enum class SectionKind : uint32_t {
  kMachine = 0,  // Machine
  kCpuid,        // kvm_cpuid_entry2[]
  kMsrs,         // kvm_msr_entry[]
  kXsave,        // bytes
  kExtents,      // Extent[] (ram_image.h), whose offsets count from the start of kPages
  kPages,        // page aligned
  kCount
};
inline constexpr uint32_t kSections = static_cast<uint32_t>(SectionKind::kCount);

struct Section {
  uint64_t offset;  // in the file
  uint64_t bytes;
  uint64_t hash;  // HashBytes
};

// At the start of the file. Section i is of kind i.
struct Header {
  uint64_t magic;
  uint32_t version;
  uint32_t section_count;
  uint64_t layout_hash;  // proto::kLayoutHash
  Section sections[kSections];
  uint64_t hash;  // of all before
};

struct Machine {
  proto::BootInfo boot;
  uint64_t kernel_id;
  uint64_t tick_ns;
  uint64_t kernel_tsc;
  uint32_t ring0_emulated;  // 0 or 1
  uint32_t tick_due;        // 0 or 1
  kvm_regs regs;
  kvm_sregs sregs;
  kvm_debugregs debug;
  kvm_vcpu_events events;
  kvm_mp_state mp;
  uint32_t reserved;
  kvm_xcrs xcrs;
};
static_assert(std::is_trivially_copyable_v<Machine> && std::is_trivially_copyable_v<Header>);

// Bounds of what a reader believes.
inline constexpr uint64_t kMostXsaveBytes = uint64_t{64} << 10;
inline constexpr uint64_t kMostExtents = 1 << 20;

}  // namespace fv::vmm::file
