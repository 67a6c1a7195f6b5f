// SPDX-License-Identifier: Apache-2.0
//
// Allocations of the guest kernel that fail on purpose (proto/fail.h): the plan from the user's
// words, into a machine, and what became of it. One thread, while the vCPU stands still.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "proto/fail.h"
#include "src/inspect/kernel_symbols.h"
#include "src/session/session.h"
#include "vmm/machine_interface.h"

namespace fv::session {

// "nth:12", "every:10", "probability:0.01,seed:7"; each may be followed by
// ",after=start|fork|mark:ID|syscall:NAME" (default: start). InvalidArgument says what is wrong.
absl::StatusOr<proto::FailControl> ParseFailPlan(const std::string& text);
// Events that the guest has to emit for the plan to start.
uint64_t FailPlanEvents(const proto::FailControl& plan);

// Where a kFailedAllocation event was: "in NewVma < DupMm < CopyProcess, pid 2".
std::string FailurePlace(const inspect::KernelSymbols& symbols, const proto::EventRecord& event);

// Arms a machine that has not run yet and remembers what failed.
class FailureObserver final : public Observer {
 public:
  // `machine` must outlive the observer. `kernel_image` is the ELF file that it runs.
  FailureObserver(vmm::MachineInterface& machine, const proto::FailControl& plan,
                  std::span<const uint8_t> kernel_image);

  void OnEvent(const proto::EventRecord& event) override;

  // What happened, in sentences for the user; several lines if several allocations failed.
  std::string Summary() const;

 private:
  // Failures that the summary names; the others are counted.
  static constexpr size_t kMostPlaces = 8;

  vmm::MachineInterface& machine_;
  inspect::KernelSymbols symbols_;
  std::vector<proto::EventRecord> places_;
};

}  // namespace fv::session
