// SPDX-License-Identifier: Apache-2.0
//
// What a machine is made of. Plain data; every default is usable.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "proto/boot_info.h"
#include "proto/fork_strategy.h"
#include "vmm/guest_memory.h"
#include "vmm/watchdog.h"

namespace fv::vmm {

// More ticks a second would leave the guest no time.
inline constexpr uint64_t kShortestTickNs = 50'000;

enum class KernelRing { kAuto, kRing0, kRing3 };

struct MachineConfig {
  uint64_t ram_bytes = uint64_t{256} << 20;
  // Huge pages make the guest's RAM behave as RAM: without them each page's first touch costs a
  // fault of the host (4 us on software KVM, where a huge page makes it 0.2 us).
  HugePages huge_pages = HugePages::kAdvise;
  std::span<const uint8_t> kernel_image;  // ELF; read during construction only
  std::span<const uint8_t> initrd;        // cpio newc; read during construction only
  std::string exec_path;                  // of the first program, absolute; empty: argv[0]
  std::vector<std::string> argv;
  std::vector<std::string> envp;
  std::string cwd;  // empty: "/"
  KernelRing kernel_ring = KernelRing::kAuto;
  // proto::BootFlag: tty flags, kBootDeterministic, kBootSafepoints. The flags that depend on the
  // ring are added by the machine.
  uint32_t boot_flags = 0;
  std::string fork_strategy = proto::kDefaultForkStrategy;  // one that the kernel has
  uint32_t mutant = 0;
  uint64_t event_mask = 0;
  // Period of the guest's tick in ns; 0 = no tick (deterministic).
  uint64_t tick_ns = 4'000'000;
  uint32_t umask = 022;
  uint32_t console_columns = 0;
  uint32_t console_rows = 0;
  uint64_t random_seed = 0;   // 0: from getrandom(2)
  uint64_t boot_wall_ns = 0;  // 0: CLOCK_REALTIME
  WatchdogConfig watchdog;
};

// `config`; throws VmmError (kBadConfig) for what no machine can run.
const MachineConfig& CheckedConfig(const MachineConfig& config);
// The configured seed, or one from getrandom(2); a fixed one for a deterministic guest. Throws
// VmmError.
uint64_t SeedOf(const MachineConfig& config);

// What boot information says of time.
struct BootTime {
  uint64_t tsc_khz;
  uint64_t boot_tsc;
  uint64_t boot_wall_ns;
};
// The configured wall clock or the `real` one; with kBootDeterministic nothing of it is real
// (proto/clock.h).
BootTime BootTimeOf(const MachineConfig& config, const BootTime& real);

}  // namespace fv::vmm
