// SPDX-License-Identifier: Apache-2.0
//
// The channel seen from outside: validates its header and reads its rings. The host's own cursor
// says how far a ring was read; the guest's word for it is never believed. Reads only: whoever owns
// the guest's memory stores the cursor back into RingHeader::consumed.
#pragma once

#include <cstdint>
#include <vector>

#include "absl/status/statusor.h"
#include "proto/channel.h"
#include "src/inspect/memory_reader.h"

namespace fv::inspect {

enum class Ring { kEvents, kConsole };

class ChannelView {
 public:
  // Fails (FailedPrecondition, DataLoss, OutOfRange) unless magic, version and layout hash are
  // this build's and all rings lie inside the channel and RAM.
  static absl::StatusOr<ChannelView> Open(const MemoryReader& memory, uint64_t channel_gpa,
                                          uint64_t channel_bytes);

  // Copies the header as it is now. Never fails after Open.
  proto::ChannelHeader Header() const;
  // The header, once the guest has published its roots (guest_magic).
  absl::StatusOr<proto::ChannelHeader> LiveHeader() const;

  // Appends the records from `cursor` on to `out` and returns the new cursor. DataLoss if the
  // counters or a record's sequence number do not fit.
  absl::StatusOr<uint64_t> DrainEvents(uint64_t cursor, std::vector<proto::EventRecord>& out) const;
  absl::StatusOr<uint64_t> DrainConsole(uint64_t cursor,
                                        std::vector<proto::ConsoleRecord>& out) const;

  // The last `count` events that are still in the ring, oldest first: for saved guests. Records
  // whose sequence number does not fit are left out.
  std::vector<proto::EventRecord> LastEvents(uint64_t count) const;

  uint64_t gpa() const { return gpa_; }

 private:
  ChannelView(const MemoryReader& memory, uint64_t gpa) : memory_(memory), gpa_(gpa) {}

  template <typename Record>
  absl::StatusOr<uint64_t> Drain(const proto::RingHeader& fixed, uint64_t produced, uint64_t cursor,
                                 std::vector<Record>& out) const;

  MemoryReader memory_;
  uint64_t gpa_;
  proto::RingHeader events_ = {};  // offset and capacity as validated at Open
  proto::RingHeader console_ = {};
};

}  // namespace fv::inspect
