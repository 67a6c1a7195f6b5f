// SPDX-License-Identifier: Apache-2.0
#include "src/fuzz/reset.h"

#include <utility>

#include "proto/fail.h"
#include "src/fuzz/encoding.h"
#include "src/rootfs/cpio.h"
#include "src/rootfs/root.h"
#include "src/session/moment.h"
#include "src/session/oracle_observer.h"
#include "src/session/session.h"
#include "vmm/error.h"

namespace fv::fuzz {
namespace {

static_assert(FV_FUZZ_PR_MARK == proto::kPrMark);

// A descriptor for a console that nobody uses before the executor is ready.
constexpr int kNowhere = -1;

}  // namespace

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

vmm::Machine& BootReset::Boot() {
  machine_.reset();
  machine_ = std::make_unique<vmm::Machine>(kvm_, config_);
  ++boots_;
  // The ring is probed once.
  config_.kernel_ring =
      machine_->boot_info().kernel_ring == 0 ? vmm::KernelRing::kRing0 : vmm::KernelRing::kRing3;
  return *machine_;
}

SnapshotReset::SnapshotReset(std::unique_ptr<BootReset> boot, oracle::CheckMode check,
                             session::ProveReset prove)
    : boot_(std::move(boot)), check_(check), prove_(prove) {}

SnapshotReset::~SnapshotReset() = default;

vmm::MachineInterface& SnapshotReset::Fresh() {
  inexact_.clear();
  if (refused_) return boot_->Boot();
  if (resetter_ == nullptr) return Prepare();
  try {
    inexact_ = resetter_->Reset();
    if (inexact_.empty()) return *machine_;
  } catch (const vmm::VmmError& error) {
    inexact_ = {error.what()};
  }
  return Prepare();
}

vmm::Machine& SnapshotReset::Prepare() {
  Forget();
  machine_ = &boot_->Boot();
  const session::SnapshotTime ready{
      .kind = session::SnapshotTime::Kind::kTrigger,
      .trigger = {proto::FailTrigger::kMark, 0, FV_FUZZ_READY},
  };
  session::SnapshotTaker taker(*machine_, ready);
  std::optional<session::OracleObserver> witness;
  session::SessionOptions options{.input = kNowhere, .output = kNowhere, .error = kNowhere};
  if (check_ != oracle::CheckMode::kOff) {
    witness.emplace(*machine_, oracle::CheckerOptions{.mode = check_});
    witness->KeepPast();
    options.observers.push_back(&*witness);
  }
  options.observers.push_back(&taker);
  try {
    session::Session(*machine_, options).Run();
  } catch (const vmm::VmmError&) {
    // No snapshot then.
  }
  if (taker.snapshot() == nullptr) {
    // What is wrong with the guest, every program will show.
    refused_ = true;
    machine_ = nullptr;
    return boot_->Boot();
  }
  if (witness) past_ = witness->TakePast();
  resetter_ = std::make_unique<session::Resetter>(*machine_, taker.snapshot(), prove_);
  return *machine_;
}

void SnapshotReset::Forget() {
  former_ = stats();
  resetter_.reset();
  past_.reset();
}

ResetStats SnapshotReset::stats() const {
  ResetStats stats = former_;
  stats.boots = boot_->stats().boots;
  if (resetter_ != nullptr) {
    stats.resets += resetter_->resets();
    stats.reset_ns += resetter_->reset_ns();
    stats.proofs += resetter_->proofs();
  }
  return stats;
}

}  // namespace fv::fuzz
