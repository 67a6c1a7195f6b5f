// SPDX-License-Identifier: Apache-2.0
//
// A machine at one moment, whole: everything that the guest can tell apart. Plain data that nobody
// changes; machines, trees of snapshots and files (snapshot_file.h) share it. docs/snapshots.md.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "proto/boot_info.h"
#include "vmm/kvm_api.h"
#include "vmm/snapshot/ram_image.h"
#include "vmm/snapshot/vcpu_state.h"
#include "vmm/tick.h"

namespace fv::vmm {

struct Snapshot {
  proto::BootInfo boot;
  uint64_t kernel_id;  // HashBytes of the kernel image that was booted
  uint64_t tick_ns;
  bool ring0_emulated;                  // where it was taken
  std::vector<kvm_cpuid_entry2> cpuid;  // the guest's table
  VcpuState cpu;
  Tick tick;            // whether the guest still has to get one
  uint64_t kernel_tsc;  // the kernel's time (proto/clock.h)
  std::shared_ptr<const RamImage> ram;
};

}  // namespace fv::vmm
