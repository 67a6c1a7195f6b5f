// SPDX-License-Identifier: Apache-2.0
//
// The firmware image for QEMU: 64 KiB below 4 GiB, where the CPU starts in real mode. It brings the
// CPU into a given CpuState - what KVM does by ioctls - and jumps to the guest kernel. Its code
// (firmware.S) is fixed; what to load stands in the parameters at its start, which the host fills.
#pragma once

#define FV_FIRMWARE_BASE 0xFFFF0000
#define FV_FIRMWARE_BYTES 0x10000

// Offsets in the image.
#define FV_FW_CR0 0x00
#define FV_FW_CR4 0x08
#define FV_FW_EFER 0x10
#define FV_FW_XCR0 0x18  /* 0: leave it alone */
#define FV_FW_ENTRY 0x20 /* RIP of the kernel */
#define FV_FW_RDI 0x28
#define FV_FW_MAILBOX 0x30 /* guest-virtual; the page's end is the firmware's stack */
#define FV_FW_CS 0x38
#define FV_FW_SS 0x40
#define FV_FW_TR 0x48
#define FV_FW_GDT 0x50         /* limit (2 bytes), base (8 bytes) */
#define FV_FW_IDT 0x60         /* likewise */
#define FV_FW_TIMER_COUNT 0x70 /* of the interval timer, at 1193182 Hz; 0: no tick */
#define FV_FW_MSR_COUNT 0x78
#define FV_FW_MSRS 0x80 /* {index, 0, low half, high half}, 4 bytes each */
#define FV_FW_MAX_MSRS 8
#define FV_FW_ROOT 0x1000 /* PML4 while the firmware runs; the host adds the kernel's window */
#define FV_FW_PDPT 0x2000
#define FV_FW_PD 0x3000
#define FV_FW_CODE 0x8000 /* within reach of a 16-bit jump from the image's end */

// What the firmware writes into the mailbox when the CPU is ready: no reason of the kernel's.
#define FV_FW_READY 0xFF

#ifndef __ASSEMBLER__
#include <cstdint>
#include <span>
#include <vector>

#include "vmm/cpu_state.h"

namespace fv::vmm::qemu {

struct FirmwarePlan {
  uint64_t window_entry;  // the kernel root's entry for the kernel's window
  uint64_t mailbox_gva;
  uint64_t tick_ns;  // 0: no tick
};

// The image with its parameters. `code` is the assembled firmware.S. Throws VmmError (kBadConfig)
// for a state that the firmware cannot bring about.
std::vector<uint8_t> MakeFirmware(std::span<const uint8_t> code, const CpuState& state,
                                  const FirmwarePlan& plan);

// The descriptor (Intel SDM volume 3, 3.4.5) that loads a segment register with `segment`: of a
// system segment the low half; its high half is the base's upper 32 bits.
uint64_t DescriptorOf(const kvm_segment& segment);

}  // namespace fv::vmm::qemu
#endif
