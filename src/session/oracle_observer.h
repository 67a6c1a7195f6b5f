// SPDX-License-Identifier: Apache-2.0
//
// The oracle as an observer of a run: hands events and safepoints to it, with the dirty log, and
// stops the run at the first safepoint that has findings. One thread, while the vCPU stands still.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "src/oracle/checker.h"
#include "src/session/session.h"
#include "vmm/machine_interface.h"

namespace fv::session {

// Boot flags and events that a machine needs for a mode: set them before it is made.
uint32_t CheckBootFlags(oracle::CheckMode mode);
uint64_t CheckEventMask(oracle::CheckMode mode);

class OracleObserver final : public Observer {
 public:
  // `machine` must outlive the observer and not have run yet, or `past` tells of its time before;
  // it is read here only. Throws vmm::VmmError.
  OracleObserver(vmm::MachineInterface& machine, const oracle::CheckerOptions& options,
                 const oracle::Past* past = nullptr);
  ~OracleObserver() override;

  void OnEvent(const proto::EventRecord& event) override;
  vmm::Next OnSafepoint(proto::SafepointKind kind) override;
  vmm::Next OnDone() override;

  // For an oracle that resumes where this one stands. `KeepPast` comes before the run.
  void KeepPast() { checker_->KeepPast(); }
  oracle::Past TakePast() { return checker_->TakePast(); }

  // Tells `listener` of each finding, with its text, when it is found.
  using Listener = std::function<void(const oracle::Finding&, const std::string&)>;
  void OnFinding(Listener listener) { listener_ = std::move(listener); }

  // The findings as text, each several lines; empty: nothing was found.
  const std::vector<std::string>& findings() const { return findings_; }
  // Bit i: invariant i was found broken.
  uint32_t broken_invariants() const { return broken_; }
  // The rules of the findings, in the same order.
  const std::vector<oracle::Rule>& rules() const { return rules_; }
  const oracle::CheckerStats& stats() const { return checker_->stats(); }
  // Safepoints seen, by proto::SafepointKind.
  static constexpr size_t kKinds = static_cast<size_t>(proto::SafepointKind::kFinal) + 1;
  const std::array<uint64_t, kKinds>& by_kind() const { return by_kind_; }

 private:
  void StartLog();
  vmm::Next Take(const std::vector<oracle::Finding>& findings);

  vmm::MachineInterface& machine_;
  oracle::CheckMode mode_;
  std::unique_ptr<oracle::Checker> checker_;
  bool logging_ = false;  // the dirty log is on
  std::vector<uint64_t> dirty_;
  Listener listener_;
  std::vector<std::string> findings_;
  std::vector<oracle::Rule> rules_;
  uint32_t broken_ = 0;
  std::array<uint64_t, kKinds> by_kind_{};
};

}  // namespace fv::session
