// SPDX-License-Identifier: Apache-2.0
//
// Puts everything that the guest kernel finds at boot into guest RAM: image, boot page tables,
// channel, argument strings, root file system and, last, the boot info page that names them all.
#pragma once

#include "proto/boot_info.h"
#include "vmm/guest_memory.h"
#include "vmm/machine_config.h"

namespace fv::vmm {

// What only the machine knows.
struct BootFacts {
  unsigned ring;         // 0 or 3
  uint32_t extra_flags;  // BootFlag, added to the configured ones
  BootTime time;
  uint64_t xsave_mask;
  uint64_t xsave_bytes;
  uint64_t random_seed;
};

struct BootBlock {
  proto::BootInfo info;
  uint64_t entry_gva;
};

// `memory` is fresh (all zero). Throws VmmError: kBadImage, or kBadConfig if it does not all fit
// and leave kMinFreeBytes, or if an argument contains a NUL.
BootBlock WriteBootBlock(GuestMemory& memory, const MachineConfig& config, const BootFacts& facts);

// RAM that must stay free for the kernel to start at all.
inline constexpr uint64_t kMinFreeBytes = uint64_t{4} << 20;

}  // namespace fv::vmm
