// SPDX-License-Identifier: Apache-2.0
//
// Where the guests of a campaign come from: one machine for each program, in the same state every
// time, before the executor reads its input. One thread.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "src/oracle/checker.h"
#include "src/rootfs/file_tree.h"
#include "src/session/reset_proof.h"
#include "src/session/session.h"
#include "vmm/kvm.h"
#include "vmm/machine.h"
#include "vmm/machine_config.h"

namespace fv::fuzz {

enum class ResetKind { kBoot, kSnapshot };

// Since the start.
struct ResetStats {
  uint64_t boots = 0;
  uint64_t resets = 0;    // to a snapshot
  uint64_t reset_ns = 0;  // all of them
  uint64_t proofs = 0;    // of them, proved exact
};

class Reset {
 public:
  virtual ~Reset() = default;
  // A machine that has run no program. The former one is gone. Throws vmm::VmmError.
  virtual vmm::MachineInterface& Fresh() = 0;
  // What an oracle of the fresh machine has missed; null: nothing, the machine has not run.
  virtual const oracle::Past* past() const { return nullptr; }
  // What the last Fresh found different from the snapshot before it booted anew; empty: nothing.
  // The program before spoiled it.
  virtual std::vector<std::string> inexact() const { return {}; }
  virtual ResetStats stats() const = 0;
};

// Boots a guest for each program.
class BootReset final : public Reset {
 public:
  // `config` without root file system and program, which are the executor's. `executor` and
  // config.kernel_image must outlive the object.
  static absl::StatusOr<std::unique_ptr<BootReset>> Make(const vmm::MachineConfig& config,
                                                         std::span<const uint8_t> executor);
  vmm::MachineInterface& Fresh() override { return Boot(); }
  ResetStats stats() const override { return {.boots = boots_}; }

  // Fresh, as what it is.
  vmm::Machine& Boot();

 private:
  BootReset(const vmm::MachineConfig& config, std::string archive, std::string identity);

  vmm::Kvm kvm_;
  std::string archive_;
  vmm::MachineConfig config_;
  std::unique_ptr<vmm::Machine> machine_;
  uint64_t boots_ = 0;
};

// Boots once, up to the moment before the executor reads its input, and goes back there for each
// program. Where that cannot be done - the host has no snapshots, or the guest does not get so far
// - it boots for each program.
class SnapshotReset final : public Reset {
 public:
  // `check`: the mode of the oracles that will watch the machine.
  SnapshotReset(std::unique_ptr<BootReset> boot, oracle::CheckMode check,
                session::ProveReset prove);
  ~SnapshotReset() override;

  vmm::MachineInterface& Fresh() override;
  const oracle::Past* past() const override { return past_ ? &*past_ : nullptr; }
  std::vector<std::string> inexact() const override { return inexact_; }
  ResetStats stats() const override;

 private:
  // A machine at the moment; resetter_ is null if there is none.
  vmm::Machine& Prepare();
  // Ends the use of the snapshot.
  void Forget();

  std::unique_ptr<BootReset> boot_;
  oracle::CheckMode check_;
  session::ProveReset prove_;
  vmm::Machine* machine_ = nullptr;
  std::unique_ptr<session::Resetter> resetter_;
  std::optional<oracle::Past> past_;
  std::vector<std::string> inexact_;
  bool refused_ = false;
  ResetStats former_;  // of snapshots that are not used any more
};

struct FileStart {
  std::string file;
  std::span<const uint8_t> executor;                  // the file's must be the same
  oracle::CheckMode check = oracle::CheckMode::kOff;  // of the oracles that will watch
};

// Starts from a snapshot of such a moment in a file; machines share its pages until they write
// them. An oracle that checks every step hears the story of the boot from another boot, which
// happens once.
class FileReset final : public Reset {
 public:
  // `config`: as for BootReset; its kernel, strategy and mutant must be the file's. Throws
  // vmm::VmmError, kBadConfig with the reason if the file cannot be used so.
  FileReset(const vmm::MachineConfig& config, const FileStart& start, session::ProveReset prove);
  ~FileReset() override;

  vmm::MachineInterface& Fresh() override;
  const oracle::Past* past() const override { return past_ ? &*past_ : nullptr; }
  std::vector<std::string> inexact() const override { return inexact_; }
  ResetStats stats() const override;

 private:
  vmm::Machine& Start();
  static std::optional<oracle::Past> PastOfBoot(const vmm::MachineConfig& config,
                                                const FileStart& start);

  vmm::Kvm kvm_;
  uint64_t event_mask_;
  uint32_t boot_flags_;
  vmm::WatchdogConfig watchdog_;
  std::shared_ptr<const vmm::Snapshot> snapshot_;
  session::ProveReset prove_;
  std::unique_ptr<vmm::Machine> machine_;
  std::unique_ptr<session::Resetter> resetter_;
  std::optional<oracle::Past> past_;
  std::vector<std::string> inexact_;
  ResetStats former_;
};

// Runs a freshly booted machine to the moment before the executor reads its input. `witness` may be
// null. Null: it does not get there. Throws vmm::VmmError.
std::shared_ptr<const vmm::Snapshot> RunToReady(vmm::Machine& machine, session::Observer* witness);

// The files that the executor runs among, in a guest and natively.
inline constexpr char kExecutorPath[] = "/executor";
absl::StatusOr<rootfs::FileTree> ExecutorTree(std::span<const uint8_t> executor);

}  // namespace fv::fuzz
