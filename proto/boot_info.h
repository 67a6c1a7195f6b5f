// SPDX-License-Identifier: Apache-2.0
//
// What the hypervisor tells the guest kernel before its first instruction: one page at
// kBootInfoPhys. Written by the host before the run, but for what says otherwise and
// kBootSafepoints. Fixed-width fields, no pointers (guest-physical addresses), no padding.
#pragma once

#include <cstdint>
#include <type_traits>

#include "proto/clock.h"
#include "proto/fork_strategy.h"

namespace fv::proto {

inline constexpr uint64_t kBootMagic = 0x544F4F4256524B46;  // "FKRVBOOT"
inline constexpr uint32_t kContractVersion = 2;

// Bits of BootInfo::flags.
enum BootFlag : uint32_t {
  kBootStdinIsTty = 1u << 0,
  kBootStdoutIsTty = 1u << 1,
  kBootStderrIsTty = 1u << 2,
  // No tick, virtual clock, switches only at system calls and faults.
  kBootDeterministic = 1u << 3,
  // A doorbell at every safepoint (channel.h); without it safepoints cost one test.
  kBootSafepoints = 1u << 4,
  // Ring 0 only: XSAVE is unusable (emulated ring 0), save FPU state with FXSAVE.
  kBootFxsaveOnly = 1u << 5,
  // Ring 0 only: RDFSBASE/WRFSBASE are usable (CR4.FSGSBASE is set). Ring 3 always may.
  kBootFsgsbase = 1u << 6,
  // No exit reports a store to the doorbell: its page is memory that the host polls (Mailbox in
  // channel.h). Ring 0 only.
  kBootPolledDoorbell = 1u << 7,
  // Ring 0 only: SYSRET is usable (no emulated ring 0 has it).
  kBootSysret = 1u << 8,
};

// Time of stops that safepoint_share does not count, so that a short run has all its safepoints.
inline constexpr uint64_t kFreeSafepointMs = 5;

struct BootInfo {
  uint64_t magic;            // kBootMagic
  uint32_t version;          // kContractVersion
  uint32_t flags;            // BootFlag
  uint64_t layout_hash;      // kLayoutHash (channel.h) of the host's build
  uint64_t ram_bytes;        // multiple of 2 MiB; RAM is [0, ram_bytes)
  uint64_t image_end_gpa;    // first byte after the kernel image (page aligned)
  uint64_t kernel_root_gpa;  // PML4 the kernel starts with: the kernel root
  uint64_t channel_gpa;      // ChannelHeader (channel.h)
  uint64_t channel_bytes;
  uint64_t initrd_gpa;  // cpio archive, newc format (4-byte aligned members)
  uint64_t initrd_bytes;
  uint64_t args_gpa;  // argc+envc NUL-terminated strings: argv, then envp
  uint64_t args_bytes;
  uint32_t argc;
  uint32_t envc;
  uint64_t first_free_gpa;  // RAM from here on is free and reads as zero
  uint32_t kernel_ring;     // 0 or 3
  // How much longer stops at safepoints may make a run, in percent of the rest of it: a safepoint
  // that would exceed it is put off to a later trap. 0: whatever they take. Host may change it.
  uint32_t safepoint_share;
  uint64_t tsc_khz;
  uint64_t boot_tsc;      // TSC value at which the wall clock was boot_wall_ns
  uint64_t boot_wall_ns;  // CLOCK_REALTIME in ns since the epoch
  uint64_t xsave_mask;    // XCR0; 0 with kBootFxsaveOnly
  uint64_t xsave_bytes;   // size of an XSAVE area for xsave_mask
  uint64_t random_seed;
  uint64_t event_mask;       // bit per EventKind (records.h); host may change it in the channel
  uint64_t tick_ns;          // period of the tick; 0 = none
  uint32_t mutant;           // test builds: number of the kernel bug to switch on; 0 = none
  uint32_t console_columns;  // terminal size for TIOCGWINSZ; 0 = unknown
  uint32_t console_rows;
  uint32_t umask;
  uint64_t cwd_gpa;   // NUL-terminated path in the args block; 0 = "/"
  uint64_t exec_gpa;  // path of the first program, in the args block; 0 = argv[0]
  char fork_strategy[kForkStrategyNameBytes];  // of the first process (fork_strategy.h)
};

static_assert(sizeof(BootInfo) == 232);
static_assert(kBootInfoPhys + sizeof(BootInfo) <= kClockPhys &&
              kClockPhys + sizeof(ClockWords) <= kBootInfoPhys + kPageBytes);
static_assert(std::is_standard_layout_v<BootInfo> && std::is_trivially_copyable_v<BootInfo>);
static_assert(std::has_unique_object_representations_v<BootInfo>, "no padding");

}  // namespace fv::proto
