// SPDX-License-Identifier: Apache-2.0
//
// The host's end of the channel's rings (proto/channel.h). The guest may be hostile: where a ring
// lies and how long it is is read once, before this run, and has to be in RAM; our own counter is
// the host's from then on, and the guest's counter is loaded once and checked. One thread, while
// the vCPU stands still.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "absl/status/status.h"
#include "absl/strings/str_format.h"
#include "proto/channel.h"
#include "vmm/guest_memory.h"

namespace fv::session {

// A ring's place, copied from its header: the host's own, or after a snapshot what a guest left.
struct RingPlace {
  uint64_t header_gpa = 0;  // of the RingHeader
  uint64_t slots_gpa = 0;   // of slot 0
  uint64_t capacity = 0;
};

// `member` is the offset of the RingHeader in ChannelHeader. Throws VmmError (kBadConfig) if header
// or slots are not in RAM.
RingPlace FindRing(const vmm::GuestMemory& memory, uint64_t channel_gpa, uint64_t member);

// Consumer of a ring that the guest fills.
template <typename Record>
class RingReader {
 public:
  // Goes on where the ring's last reader stopped.
  RingReader(vmm::GuestMemory& memory, RingPlace place)
      : memory_(memory),
        place_(place),
        consumed_(memory.Load<uint64_t>(place.header_gpa + offsetof(proto::RingHeader, consumed))
                      .value()) {}

  // Calls visit(const Record&) for every new record and frees the slots. DataLoss if the guest's
  // counter or a record's sequence number is impossible.
  template <typename Visit>
  absl::Status Drain(Visit visit) {
    const uint64_t produced =
        memory_.Load<uint64_t>(place_.header_gpa + offsetof(proto::RingHeader, produced)).value();
    if (produced - consumed_ > place_.capacity) {
      return absl::DataLossError(absl::StrFormat(
          "the guest broke a ring: %d records produced, %d consumed", produced, consumed_));
    }
    for (; consumed_ != produced; ++consumed_) {
      const uint64_t slot = consumed_ % place_.capacity;
      const Record record = memory_.Load<Record>(place_.slots_gpa + slot * sizeof(Record)).value();
      if (record.sequence != consumed_) {
        return absl::DataLossError(
            absl::StrFormat("the guest broke a ring: slot %d has sequence %d, not %d", slot,
                            record.sequence, consumed_));
      }
      visit(record);
    }
    StoreCounter(offsetof(proto::RingHeader, consumed), consumed_);
    return absl::OkStatus();
  }

  uint64_t consumed() const { return consumed_; }

 private:
  void StoreCounter(uint64_t member, uint64_t value) {
    // The header lies in RAM: FindRing has checked it.
    (void)memory_.Store(place_.header_gpa + member, value);
  }

  vmm::GuestMemory& memory_;
  RingPlace place_;
  uint64_t consumed_;
};

// Producer of the command ring.
class CommandWriter {
 public:
  static constexpr size_t kMaxData = sizeof(proto::CommandRecord::data);

  // Goes on where the ring's last writer stopped.
  CommandWriter(vmm::GuestMemory& memory, RingPlace place)
      : memory_(memory),
        place_(place),
        produced_(memory.Load<uint64_t>(place.header_gpa + offsetof(proto::RingHeader, produced))
                      .value()) {}

  // False if the ring is full or its counter is impossible (then nothing is written).
  // `bytes` is at most kMaxData.
  [[nodiscard]] bool Push(proto::CommandKind kind, const void* data, size_t bytes);
  // Slots that the guest has freed; 0 if its counter is impossible.
  uint64_t Room() const;
  bool IsEmpty() const { return Room() == place_.capacity; }

 private:
  vmm::GuestMemory& memory_;
  RingPlace place_;
  uint64_t produced_;
};

}  // namespace fv::session
