// SPDX-License-Identifier: Apache-2.0
//
// From what a user asks for to a machine ready to run: root file system, environment, RAM,
// console flags, guest kernel. The verbs run, check and bench and the benchmarks start here.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "proto/fork_strategy.h"
#include "src/rootfs/root.h"
#include "vmm/machine.h"
#include "vmm/qemu/qemu_machine.h"

namespace fv::session {

inline constexpr uint64_t kDefaultRamBytes = uint64_t{256} << 20;
inline constexpr uint64_t kDefaultTickNs = 4'000'000;

// What executes the guest.
enum class Host { kKvm, kQemu };

struct GuestOptions {
  rootfs::RootOptions root;
  std::vector<std::string> arguments;     // argv[0] is root.program
  std::vector<std::string> environment;   // NAME=VALUE, over the default ones; NAME takes it away
  std::string cwd;                        // in the guest; empty: the root's own choice
  uint64_t ram_bytes = kDefaultRamBytes;  // rounded up to 2 MiB
  vmm::KernelRing kernel_ring = vmm::KernelRing::kAuto;
  std::string fork_strategy = proto::kDefaultForkStrategy;  // one that the kernel has
  uint32_t boot_flags = 0;                                  // proto::BootFlag
  uint32_t mutant = 0;
  uint64_t event_mask = 0;
  uint64_t tick_ns = kDefaultTickNs;
  uint64_t random_seed = 0;
  uint64_t timeout_ns = 0;
  uint16_t columns = 0;  // of the console
  uint16_t rows = 0;
  std::span<const uint8_t> kernel_image;
  Host host = Host::kKvm;
  std::string kvm_device = vmm::kKvmDevice;
  std::string qemu_program = vmm::qemu::kQemuProgram;
  vmm::qemu::CpuModel qemu_cpu = vmm::qemu::CpuModel::kFull;
};

// A machine with what it needs to live.
struct Guest {
  std::optional<vmm::Kvm> kvm;  // with Host::kKvm
  std::unique_ptr<vmm::MachineInterface> machine;
  vmm::Machine* on_kvm = nullptr;  // the same machine, with Host::kKvm: it has snapshots
  uint64_t initrd_bytes = 0;
};

// A small clean environment: PATH, HOME, USER, SHELL, TERM, with `extra` (NAME=VALUE, or NAME for
// none) over it.
std::vector<std::string> GuestEnvironment(const std::string& term,
                                          const std::vector<std::string>& extra);

// What the guest's first program gets: TERM is the host's.
std::vector<std::string> GuestEnvironment(const GuestOptions& options);

// A root and an archive of it are the user's: their faults are values. What the host refuses is a
// vmm::VmmError.
absl::StatusOr<Guest> StartGuest(const GuestOptions& options);

}  // namespace fv::session
