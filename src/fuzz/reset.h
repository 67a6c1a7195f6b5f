// SPDX-License-Identifier: Apache-2.0
//
// Where the guests of a campaign come from: one machine for each program, in the same state every
// time, before the executor reads its input.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "absl/status/statusor.h"
#include "src/rootfs/file_tree.h"
#include "vmm/kvm.h"
#include "vmm/machine.h"
#include "vmm/machine_config.h"

namespace fv::fuzz {

class Reset {
 public:
  virtual ~Reset() = default;
  // A machine that has run no program. The former one is gone. Throws vmm::VmmError.
  virtual vmm::MachineInterface& Fresh() = 0;
};

// Boots a guest for each program.
class BootReset final : public Reset {
 public:
  // `config` without root file system and program, which are the executor's. `executor` and
  // config.kernel_image must outlive the object.
  static absl::StatusOr<std::unique_ptr<BootReset>> Make(const vmm::MachineConfig& config,
                                                         std::span<const uint8_t> executor);
  vmm::MachineInterface& Fresh() override;

 private:
  BootReset(const vmm::MachineConfig& config, std::string archive);

  vmm::Kvm kvm_;
  std::string archive_;
  vmm::MachineConfig config_;
  std::unique_ptr<vmm::Machine> machine_;
};

// The files that the executor runs among, in a guest and natively.
inline constexpr char kExecutorPath[] = "/executor";
absl::StatusOr<rootfs::FileTree> ExecutorTree(std::span<const uint8_t> executor);

}  // namespace fv::fuzz
