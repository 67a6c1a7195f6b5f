// SPDX-License-Identifier: Apache-2.0
#include "src/fuzz/reset.h"

#include <utility>

#include "src/rootfs/cpio.h"
#include "src/rootfs/root.h"

namespace fv::fuzz {

absl::StatusOr<rootfs::FileTree> ExecutorTree(std::span<const uint8_t> executor) {
  rootfs::FileTree tree = rootfs::DefaultRoot();
  const absl::Status status = tree.AddFile(
      kExecutorPath, std::string(reinterpret_cast<const char*>(executor.data()), executor.size()),
      0755);
  if (!status.ok()) return status;
  return tree;
}

absl::StatusOr<std::unique_ptr<BootReset>> BootReset::Make(const vmm::MachineConfig& config,
                                                           std::span<const uint8_t> executor) {
  absl::StatusOr<rootfs::FileTree> tree = ExecutorTree(executor);
  if (!tree.ok()) return tree.status();
  absl::StatusOr<std::string> archive = rootfs::WriteCpio(*tree);
  if (!archive.ok()) return archive.status();
  return std::unique_ptr<BootReset>(new BootReset(config, *std::move(archive)));
}

BootReset::BootReset(const vmm::MachineConfig& config, std::string archive)
    : kvm_(vmm::Kvm::Open()), archive_(std::move(archive)), config_(config) {
  config_.initrd = {reinterpret_cast<const uint8_t*>(archive_.data()), archive_.size()};
  config_.argv = {kExecutorPath};
  config_.exec_path = kExecutorPath;
}

vmm::MachineInterface& BootReset::Fresh() {
  machine_.reset();
  machine_ = std::make_unique<vmm::Machine>(kvm_, config_);
  // The ring is probed once.
  config_.kernel_ring =
      machine_->boot_info().kernel_ring == 0 ? vmm::KernelRing::kRing0 : vmm::KernelRing::kRing3;
  return *machine_;
}

}  // namespace fv::fuzz
