// SPDX-License-Identifier: Apache-2.0
//
// Stops a run at chosen moments and keeps them: for questions about a program that is started for
// them. A moment lies at a safepoint, where the kernel's structures are whole.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "proto/events.h"
#include "src/query/moment.h"
#include "src/session/session.h"

namespace fv::query {

// The first safepoint after the `nth` event of a kind in the run, or the last one before it; or the
// end of the first program.
struct When {
  enum class Side { kBefore, kAfter };
  proto::EventKind kind = proto::EventKind::kCount;  // kCount: the end
  uint64_t nth = 1;
  Side side = Side::kAfter;
  bool at_end() const { return kind == proto::EventKind::kCount; }
};

// "end", "fork-end", "cow-break:3", "before:fork-end". Error: InvalidArgument.
absl::StatusOr<When> ParseWhen(const std::string& text);
std::string WhenText(const When& when);

class StopAt final : public session::Observer {
 public:
  // `whens`: one moment, or two at different safepoints, in this order; the run ends with the last.
  // Moments are copies, but for a last one that is after its event: that one is of live memory, to
  // be asked about before the machine goes. To have what was before an event, every safepoint is
  // copied until it comes.
  StopAt(vmm::MachineInterface& machine, std::vector<When> whens);

  void OnEvent(const proto::EventRecord& event) override;
  vmm::Next OnSafepoint(proto::SafepointKind kind) override;
  vmm::Next OnDone() override;

  // Those that came. FailedPrecondition if the guest could not be read.
  const absl::Status& status() const { return status_; }
  std::vector<Moment>& moments() { return moments_; }
  // Events so far of the kind that `when` names.
  uint64_t Seen(const When& when) const { return seen_[static_cast<size_t>(when.kind)]; }

 private:
  bool Complete() const { return moments_.size() == whens_.size(); }
  const When& Next() const { return whens_[moments_.size()]; }
  vmm::Next Take(Keep keep);
  vmm::Next Add(Moment moment);

  vmm::MachineInterface& machine_;
  std::vector<When> whens_;
  std::vector<Moment> moments_;
  absl::Status status_;
  std::array<uint64_t, static_cast<size_t>(proto::EventKind::kCount) + 1> seen_{};
  std::optional<Moment> before_;  // the last safepoint, while one before an event is waited for
};

// The guest's memory, as TakeMoment wants it.
GuestRam RamOf(const vmm::MachineInterface& machine);
// TakeMoment of a machine that stands still, with its CPU where that can be read (on KVM). Throws
// vmm::VmmError.
absl::StatusOr<Moment> TakeMomentOf(vmm::MachineInterface& machine, Keep keep);

}  // namespace fv::query
