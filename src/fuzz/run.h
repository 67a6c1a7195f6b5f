// SPDX-License-Identifier: Apache-2.0
//
// One program in a guest, and natively.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "proto/fork_strategy.h"
#include "src/coverage/kernel_blocks.h"
#include "src/fuzz/program.h"
#include "src/fuzz/reset.h"
#include "src/fuzz/results.h"
#include "src/inspect/sanitizer_report.h"
#include "src/oracle/checker.h"
#include "src/session/session.h"

namespace fv::fuzz {

struct GuestRunOptions {
  std::span<const uint8_t> kernel_image;
  std::span<const uint8_t> executor;
  oracle::CheckMode check = oracle::CheckMode::kEnd;
  std::string fork_strategy = proto::kDefaultForkStrategy;  // one that the kernel has
  uint32_t mutant = 0;
  uint64_t event_mask = 0;  // besides what the oracle needs
  uint32_t boot_flags = 0;  // likewise
  ResetKind reset = ResetKind::kBoot;
  session::ProveReset prove_reset = session::ProveReset::kSampled;
  std::string from;  // with kSnapshot: the snapshot's file; empty: from a boot
};

struct GuestRun {
  session::SessionEnd end = session::SessionEnd::kExited;
  std::string message;                // what went wrong, with the registers of a panic
  std::vector<std::string> findings;  // of the oracle
  uint32_t broken = 0;                // bit i: invariant i
  uint64_t oracle_ns = 0;             // spent checking
  std::optional<Results> results;
  // Why the kernel panicked, if it was its own checks.
  std::optional<inspect::SanitizerReport> sanitizer{};
  // The program before left something behind that the reset did not bring back: what. This run had
  // a guest of its own.
  std::vector<std::string> inexact_reset;
  // How often each basic block of the kernel ran (KernelBlocks), modulo 256, without the boot.
  // Empty if the kernel does not count.
  std::vector<uint8_t> block_counts;
  // Not 0: a comparison of the kernel came out as it did not before the program (KernelCompares).
  std::vector<uint8_t> compares;
};

// Sees a run, at each moment before the oracle does.
class RunObserver : public session::Observer {
 public:
  // Comes first. The machine lives as long as its runner's run.
  virtual void OnMachine(vmm::MachineInterface& machine) { (void)machine; }
  void OnEvent(const proto::EventRecord& event) override { (void)event; }
  // Of the oracle, at the safepoint at which it is found.
  virtual void OnFinding(const oracle::Finding& finding, const std::string& text) {
    (void)finding;
    (void)text;
  }
  virtual void OnEnd(const session::SessionResult& result) { (void)result; }
};

// Boots a guest up to the moment before it reads a program, and writes its snapshot to
// `options.from`. Throws vmm::VmmError.
absl::Status WriteReadySnapshot(const GuestRunOptions& options);

class GuestRunner {
 public:
  static absl::StatusOr<std::unique_ptr<GuestRunner>> Make(const GuestRunOptions& options);

  // `observer` may be null. Throws vmm::VmmError.
  GuestRun Run(const Program& program, RunObserver* observer = nullptr);
  // After Run, until the next.
  vmm::MachineInterface& machine() { return *machine_; }
  ResetStats reset_stats() const { return reset_->stats(); }
  const coverage::KernelBlocks& blocks() const { return blocks_; }

 private:
  GuestRunner(const GuestRunOptions& options, std::unique_ptr<Reset> reset)
      : options_(options),
        blocks_(options.kernel_image),
        compares_(options.kernel_image),
        reset_(std::move(reset)) {}

  GuestRunOptions options_;
  coverage::KernelBlocks blocks_;
  coverage::KernelCompares compares_;
  std::unique_ptr<Reset> reset_;
  vmm::MachineInterface* machine_ = nullptr;
};

}  // namespace fv::fuzz
