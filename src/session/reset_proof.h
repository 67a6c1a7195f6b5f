// SPDX-License-Identifier: Apache-2.0
//
// The proof that a reset was exact: when to ask for it, and a difference in words that say what
// lives at the place. One thread, right after Machine::Restore.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "vmm/machine.h"

namespace fv::session {

enum class ProveReset { kOff, kSampled, kEvery };

// What a frame of guest memory is: "page table of level 1", "slab task", "kernel stack of pid 3".
std::string FrameOwner(const vmm::MachineInterface& machine, uint64_t frame);

// One line for each page and register that is not as in `snapshot`; empty: all is.
std::vector<std::string> ResetDifferences(vmm::Machine& machine, const vmm::Snapshot& snapshot);

// Restores and proves, as often as the mode says.
class Resetter {
 public:
  // With kSampled, one reset of so many.
  static constexpr uint64_t kSample = 16;

  // `machine` must outlive the resetter.
  Resetter(vmm::Machine& machine, std::shared_ptr<const vmm::Snapshot> snapshot, ProveReset mode)
      : machine_(machine), snapshot_(std::move(snapshot)), mode_(mode) {}

  // Brings the machine back; what the proof found wrong. Throws vmm::VmmError.
  std::vector<std::string> Reset();

  uint64_t resets() const { return resets_; }
  uint64_t proofs() const { return proofs_; }
  uint64_t reset_ns() const { return reset_ns_; }  // all of them together
  uint64_t proof_ns() const { return proof_ns_; }

 private:
  vmm::Machine& machine_;
  std::shared_ptr<const vmm::Snapshot> snapshot_;
  ProveReset mode_;
  uint64_t resets_ = 0;
  uint64_t proofs_ = 0;
  uint64_t reset_ns_ = 0;
  uint64_t proof_ns_ = 0;
};

}  // namespace fv::session
