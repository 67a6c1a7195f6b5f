// SPDX-License-Identifier: Apache-2.0
//
// Everything that QEMU is started with: RAM with the boot block in it, the firmware, the arguments.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "vmm/boot_block.h"
#include "vmm/fd.h"
#include "vmm/guest_memory.h"
#include "vmm/machine_config.h"
#include "vmm/qemu/cpu_model.h"

namespace fv::vmm::qemu {

// Memory behind the guest's RAM: its first page is the doorbell's.
inline constexpr uint64_t kSpareBytes = uint64_t{2} << 20;

struct QemuBoot {
  proto::BootInfo info;  // its clocks are set later
  std::vector<uint8_t> firmware;
};

// Writes the boot block into `memory` (fresh), and the descriptors that the firmware loads the
// segment registers from where the kernel will have its own. Throws VmmError.
QemuBoot PrepareBoot(GuestMemory& memory, const MachineConfig& config, CpuModel cpu,
                     uint64_t tsc_khz);
Fd FirmwareFile(const std::vector<uint8_t>& firmware);
// argv for QEMU with `memory_bytes` in the file kMemoryFd.
std::vector<std::string> QemuArguments(const std::string& program, CpuModel cpu,
                                       uint64_t memory_bytes);

}  // namespace fv::vmm::qemu
