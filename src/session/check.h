// SPDX-License-Identifier: Apache-2.0
//
// The oracle on a live guest: feeds events, safepoints and KVM's dirty log to oracle::Checker and
// stops the run at the first safepoint that has findings. One thread, as the session.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "src/oracle/checker.h"
#include "src/session/session.h"
#include "vmm/machine.h"

namespace fv::session {

// What a guest that is to be checked needs at boot; both 0 with CheckMode::kOff.
struct CheckNeeds {
  uint32_t boot_flags = 0;
  uint64_t event_mask = 0;
};
CheckNeeds NeedsOf(oracle::CheckMode mode);

class CheckObserver final : public Observer {
 public:
  // `report` gets each finding as text of several lines. The machine has not run yet.
  CheckObserver(vmm::Machine& machine, const oracle::CheckerOptions& options,
                std::function<void(const std::string&)> report);

  void OnEvent(const proto::EventRecord& event) override;
  vmm::Next OnSafepoint(proto::SafepointKind kind) override;

  const oracle::CheckerStats& stats() const { return checker_->stats(); }
  // Findings of the safepoint that ended the run.
  const std::vector<oracle::Finding>& findings() const { return findings_; }

 private:
  vmm::Machine& machine_;
  std::function<void(const std::string&)> report_;
  oracle::CheckMode mode_;
  std::unique_ptr<oracle::Checker> checker_;
  std::vector<uint64_t> dirty_;
  bool logging_ = false;
  std::vector<oracle::Finding> findings_;
};

}  // namespace fv::session
