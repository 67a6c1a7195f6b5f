// SPDX-License-Identifier: Apache-2.0
//
// Every fixed guest address, in one place: used by the hypervisor, the guest kernel, its
// assembly and its linker script. The first half is plain macros (no suffixes an assembler or a
// linker script could not read); the second half gives C++ the same numbers with types and
// proves that no two regions overlap. docs/architecture.md draws the picture.
#pragma once

// ---- Guest-virtual ------------------------------------------------------------------------
// The kernel's window is PML4 slot 224. It maps guest-physical 0 at its base (the direct map), so
// the kernel image, the channel and the doorbell have one virtual address each: base + physical.
#define FV_KERNEL_BASE 0x0000700000000000
#define FV_KERNEL_PML4_SLOT 224
// The first address that no user program can have. Linux calls it TASK_SIZE.
#define FV_USER_END 0x0000700000000000

// ---- Guest-physical -----------------------------------------------------------------------
// Boot information, written by the hypervisor before the first instruction.
#define FV_BOOT_INFO_PHYS 0x1000
// The words of the clock (proto/clock.h), behind boot information in its page.
#define FV_CLOCK_PHYS 0x1800
// The kernel image; its first pages are the stub (below), then text, rodata, data, bss.
#define FV_IMAGE_PHYS 0x100000
// The stub: what the CPU needs at a trap, at the same address in every page-table root.
#define FV_STUB_TEXT_PHYS 0x100000 /* one page: trap entries; SYSCALL's target is its start */
#define FV_STUB_GDT_PHYS 0x101000  /* one page: GDT at +0, TSS at +0x800 */
#define FV_STUB_IDT_PHYS 0x102000  /* one page: 256 gates */
#define FV_STUB_DATA_PHYS 0x103000 /* one page: saved registers, IRET frames, trap stack */
#define FV_STUB_END_PHYS 0x104000
#define FV_STUB_TSS_OFFSET 0x800
// In the stub's text, which never changes: where the host starts the vCPU to have words of guest
// memory written by the guest (proto/channel.h, RestoreWord).
#define FV_RESTORE_ENTRY_OFFSET 0xf80

// ---- Segment selectors (Linux's layout of the GDT, so that SYSCALL's STAR works) -----------
#define FV_SEL_KERNEL_CODE 0x10
#define FV_SEL_KERNEL_DATA 0x18
#define FV_SEL_USER_DATA 0x2b
#define FV_SEL_USER_CODE 0x33
#define FV_SEL_TSS 0x40

// ---- Interrupt vectors --------------------------------------------------------------------
#define FV_VECTOR_TICK 32

// ---- Kernel stacks ------------------------------------------------------------------------
// Size and alignment of a kernel stack: masking RSP gives its lowest address.
#define FV_KERNEL_STACK_BYTES 0x4000

// ---- The polled doorbell (proto/channel.h, Mailbox) ----------------------------------------
#define FV_DOORBELL_PORT 0xE9
#define FV_MAILBOX_WORD 0
#define FV_MAILBOX_TSC 8

#ifndef __ASSEMBLER__
#ifndef FV_LINKER_SCRIPT

#include <cstdint>

namespace fv::proto {

inline constexpr uint64_t kPageBytes = 4096;
inline constexpr unsigned kPageShift = 12;
inline constexpr uint64_t kHugePageBytes = uint64_t{2} * 1024 * 1024;

inline constexpr uint64_t kKernelBase = FV_KERNEL_BASE;
inline constexpr unsigned kKernelPml4Slot = FV_KERNEL_PML4_SLOT;
inline constexpr uint64_t kUserEnd = FV_USER_END;
// Lowest address a user may map (Linux: vm.mmap_min_addr).
inline constexpr uint64_t kUserStart = 0x10000;
// One past the highest byte of a new program's stack.
inline constexpr uint64_t kUserStackTop = kUserEnd - kPageBytes;
// Top of the area that mmap fills downwards; the gap above it is the stack's.
inline constexpr uint64_t kMmapTop = kUserEnd - (uint64_t{1} << 30);
// Where a position-independent executable is loaded.
inline constexpr uint64_t kPieBase = 0x0000555555554000;

inline constexpr uint64_t kBootInfoPhys = FV_BOOT_INFO_PHYS;
inline constexpr uint64_t kClockPhys = FV_CLOCK_PHYS;
inline constexpr uint64_t kRestoreEntryPhys = FV_STUB_TEXT_PHYS + FV_RESTORE_ENTRY_OFFSET;
inline constexpr uint64_t kImagePhys = FV_IMAGE_PHYS;
inline constexpr uint64_t kStubTextPhys = FV_STUB_TEXT_PHYS;
inline constexpr uint64_t kStubGdtPhys = FV_STUB_GDT_PHYS;
inline constexpr uint64_t kStubTssPhys = FV_STUB_GDT_PHYS + FV_STUB_TSS_OFFSET;
inline constexpr uint64_t kStubIdtPhys = FV_STUB_IDT_PHYS;
inline constexpr uint64_t kStubDataPhys = FV_STUB_DATA_PHYS;
inline constexpr uint64_t kStubEndPhys = FV_STUB_END_PHYS;

inline constexpr uint64_t kMinRamBytes = uint64_t{16} * 1024 * 1024;
// The kernel's PML4 slot spans 512 GiB; half of it is offered.
inline constexpr uint64_t kMaxRamBytes = uint64_t{256} << 30;

inline constexpr uint64_t kKernelStackBytes = FV_KERNEL_STACK_BYTES;
// Stored at the lowest address of every kernel stack (Linux: STACK_END_MAGIC).
inline constexpr uint64_t kStackEndMagic = 0x57AC6E9D57AC6E9D;

// Guest-virtual address of a guest-physical one, in the direct map, and back.
constexpr uint64_t DirectMap(uint64_t gpa) { return kKernelBase + gpa; }
constexpr bool InDirectMap(uint64_t gva, uint64_t ram_bytes) {
  return gva >= kKernelBase && gva - kKernelBase < ram_bytes;
}
constexpr uint64_t PhysOfDirectMap(uint64_t gva) { return gva - kKernelBase; }

// The doorbell: the first page above RAM, never backed. A write of 8 bytes to its first word
// leaves the guest; the word is a DoorbellReason (channel.h).
constexpr uint64_t DoorbellPhys(uint64_t ram_bytes) { return ram_bytes; }

static_assert(kKernelBase >> 39 == kKernelPml4Slot);
static_assert(kUserEnd <= kKernelBase);
static_assert(kUserStackTop < kUserEnd && kMmapTop < kUserStackTop && kPieBase < kMmapTop);
static_assert(kBootInfoPhys >= kPageBytes, "page 0 stays unmapped in every root");
static_assert(kBootInfoPhys + kPageBytes <= kImagePhys);
static_assert(kStubTextPhys == kImagePhys && kStubTextPhys < kStubGdtPhys &&
              kStubGdtPhys < kStubIdtPhys && kStubIdtPhys < kStubDataPhys &&
              kStubDataPhys < kStubEndPhys);
static_assert(kStubEndPhys < kMinRamBytes && kMinRamBytes % kHugePageBytes == 0);
static_assert(kKernelBase + kMaxRamBytes + kPageBytes <= (uint64_t{kKernelPml4Slot} + 1) << 39);
static_assert((kKernelStackBytes & (kKernelStackBytes - 1)) == 0);

}  // namespace fv::proto

#endif  // FV_LINKER_SCRIPT
#endif  // __ASSEMBLER__
