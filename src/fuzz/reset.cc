// SPDX-License-Identifier: Apache-2.0
#include "src/fuzz/reset.h"

#include <utility>

#include "absl/strings/str_format.h"
#include "proto/fail.h"
#include "src/fuzz/encoding.h"
#include "src/fuzz/exec_files.h"
#include "src/rootfs/cpio.h"
#include "src/rootfs/root.h"
#include "src/session/from_snapshot.h"
#include "src/session/moment.h"
#include "src/session/oracle_observer.h"
#include "vmm/error.h"
#include "vmm/snapshot/hash.h"
#include "vmm/snapshot/snapshot_file.h"

namespace fv::fuzz {
namespace {

static_assert(FV_FUZZ_PR_MARK == proto::kPrMark);

// A descriptor for a console that nobody uses before the executor is ready.
constexpr int kNowhere = -1;

// Stands in the executor's environment, which it does not read: a snapshot in a file tells by it
// whose executor it has.
std::string IdentityOf(std::span<const uint8_t> executor) {
  return absl::StrFormat("EXECUTOR=%016x", vmm::HashBytes(executor));
}

// `resetter` may be null.
ResetStats Sum(ResetStats stats, const session::Resetter* resetter) {
  if (resetter == nullptr) return stats;
  stats.resets += resetter->resets();
  stats.reset_ns += resetter->reset_ns();
  stats.proofs += resetter->proofs();
  return stats;
}

}  // namespace

absl::StatusOr<rootfs::FileTree> ExecutorTree(std::span<const uint8_t> executor) {
  rootfs::FileTree tree = rootfs::DefaultRoot();
  const absl::Status status = tree.AddFile(
      kExecutorPath, std::string(reinterpret_cast<const char*>(executor.data()), executor.size()),
      0755);
  if (!status.ok()) return status;
  const absl::Status more = AddExecFiles(tree);
  if (!more.ok()) return more;
  return tree;
}

absl::StatusOr<std::unique_ptr<BootReset>> BootReset::Make(const vmm::MachineConfig& config,
                                                           std::span<const uint8_t> executor) {
  absl::StatusOr<rootfs::FileTree> tree = ExecutorTree(executor);
  if (!tree.ok()) return tree.status();
  absl::StatusOr<std::string> archive = rootfs::WriteCpio(*tree);
  if (!archive.ok()) return archive.status();
  return std::unique_ptr<BootReset>(
      new BootReset(config, *std::move(archive), IdentityOf(executor)));
}

BootReset::BootReset(const vmm::MachineConfig& config, std::string archive, std::string identity)
    : kvm_(vmm::Kvm::Open()), archive_(std::move(archive)), config_(config) {
  config_.initrd = {reinterpret_cast<const uint8_t*>(archive_.data()), archive_.size()};
  config_.argv = {kExecutorPath};
  config_.envp = {std::move(identity)};
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

std::shared_ptr<const vmm::Snapshot> RunToReady(vmm::Machine& machine, session::Observer* witness) {
  const session::SnapshotTime ready{
      .kind = session::SnapshotTime::Kind::kTrigger,
      .trigger = {proto::FailTrigger::kMark, 0, FV_FUZZ_READY},
  };
  session::SnapshotTaker taker(machine, ready);
  session::SessionOptions options{.input = kNowhere, .output = kNowhere, .error = kNowhere};
  if (witness != nullptr) options.observers.push_back(witness);
  options.observers.push_back(&taker);
  session::Session(machine, options).Run();
  return taker.snapshot();
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
  std::optional<session::OracleObserver> witness;
  if (check_ != oracle::CheckMode::kOff) {
    witness.emplace(*machine_, oracle::CheckerOptions{.mode = check_});
    witness->KeepPast();
  }
  std::shared_ptr<const vmm::Snapshot> snapshot;
  try {
    snapshot = RunToReady(*machine_, witness ? &*witness : nullptr);
  } catch (const vmm::VmmError&) {
    // The host has none.
  }
  if (snapshot == nullptr) {
    // What is wrong with the guest, every program will show.
    refused_ = true;
    machine_ = nullptr;
    return boot_->Boot();
  }
  if (witness) past_ = witness->TakePast();
  resetter_ = std::make_unique<session::Resetter>(*machine_, snapshot, prove_);
  return *machine_;
}

void SnapshotReset::Forget() {
  former_ = stats();
  resetter_.reset();
  past_.reset();
}

ResetStats SnapshotReset::stats() const {
  ResetStats stats = Sum(former_, resetter_.get());
  stats.boots = boot_->stats().boots;
  return stats;
}

FileReset::FileReset(const vmm::MachineConfig& config, const FileStart& start,
                     session::ProveReset prove)
    : kvm_(vmm::Kvm::Open()),
      event_mask_(config.event_mask),
      boot_flags_(config.boot_flags),
      watchdog_(config.watchdog),
      snapshot_(vmm::ReadSnapshotFile(start.file, vmm::HashBytes(config.kernel_image))),
      prove_(prove) {
  const proto::BootInfo& boot = snapshot_->boot;
  const vmm::GuestMemory& memory = Start().memory();
  const auto refuse = [&start](const std::string& why) {
    throw vmm::VmmError(vmm::VmmErrorKind::kBadConfig, start.file + ": " + why);
  };
  const bool same = boot.mutant == config.mutant && config.fork_strategy == boot.fork_strategy &&
                    (boot.flags & proto::kBootDeterministic) != 0;
  if (!same || memory.LoadString(boot.exec_gpa, sizeof(kExecutorPath)) != kExecutorPath) {
    refuse("not a snapshot that fuzz has made with this strategy and mutant");
  }
  const std::string identity = IdentityOf(start.executor);
  // Behind argv, which is the path.
  if (memory.LoadString(boot.args_gpa + sizeof(kExecutorPath), identity.size() + 1) != identity) {
    refuse("made by a build with another executor of programs");
  }
  if (oracle::Checker::RequiredEvents(start.check) != 0) past_ = PastOfBoot(config, start);
}

// A boot is the same every time: one of our own has the story of the file's.
std::optional<oracle::Past> FileReset::PastOfBoot(const vmm::MachineConfig& config,
                                                  const FileStart& start) {
  absl::StatusOr<std::unique_ptr<BootReset>> boot = BootReset::Make(config, start.executor);
  if (!boot.ok()) return std::nullopt;
  vmm::Machine& machine = (*boot)->Boot();
  session::OracleObserver witness(machine, oracle::CheckerOptions{.mode = start.check});
  witness.KeepPast();
  if (RunToReady(machine, &witness) == nullptr) return std::nullopt;
  return witness.TakePast();
}

FileReset::~FileReset() = default;

vmm::Machine& FileReset::Start() {
  former_ = stats();
  ++former_.boots;
  resetter_.reset();
  machine_.reset();
  machine_ = std::make_unique<vmm::Machine>(kvm_, snapshot_, watchdog_);
  resetter_ = std::make_unique<session::Resetter>(*machine_, snapshot_, prove_);
  return *machine_;
}

vmm::MachineInterface& FileReset::Fresh() {
  try {
    inexact_ = resetter_->Reset();
  } catch (const vmm::VmmError& error) {
    inexact_ = {error.what()};
  }
  if (!inexact_.empty()) Start();
  session::SetObserved(*machine_, event_mask_, boot_flags_);
  return *machine_;
}

ResetStats FileReset::stats() const { return Sum(former_, resetter_.get()); }

}  // namespace fv::fuzz
