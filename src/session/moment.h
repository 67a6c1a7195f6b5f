// SPDX-License-Identifier: Apache-2.0
//
// Moments of a run in a user's words, and an observer that takes a snapshot at one.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "proto/channel.h"
#include "src/session/session.h"
#include "vmm/machine.h"

namespace fv::session {

// "start", "fork", "mark:ID" or "syscall:NAME". InvalidArgument says what would be right.
absl::StatusOr<proto::Moment> ParseTrigger(const std::string& text);
// Events that the guest has to emit for it to notice.
uint64_t TriggerEvents(const proto::Moment& moment);

// When a snapshot is taken.
struct SnapshotTime {
  enum class Kind { kTrigger, kExit, kAfter } kind = Kind::kTrigger;
  proto::Moment trigger{};  // kTrigger
  uint64_t after_ns = 0;    // kAfter: so long after the first instruction
};
// A trigger as above, "exit" (the first program has ended) or "time:SECONDS".
absl::StatusOr<SnapshotTime> ParseSnapshotTime(const std::string& text);

// Takes one snapshot and stops the run there.
class SnapshotTaker final : public Observer {
 public:
  // `machine` must outlive the taker and stand still now.
  SnapshotTaker(vmm::Machine& machine, const SnapshotTime& time);

  void OnEvent(const proto::EventRecord&) override {}
  vmm::Next OnMoment() override;
  vmm::Next OnPause(Pause pause) override;
  vmm::Next OnDone() override;

  // Null until the time has come.
  const std::shared_ptr<const vmm::Snapshot>& snapshot() const { return snapshot_; }

 private:
  vmm::Next Take();

  vmm::Machine& machine_;
  SnapshotTime time_;
  uint64_t start_ns_;
  std::shared_ptr<const vmm::Snapshot> snapshot_;
};

}  // namespace fv::session
