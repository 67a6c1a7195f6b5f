// SPDX-License-Identifier: Apache-2.0
//
// Finding the rings, and the producer of commands.
#include "src/session/ring.h"

#include <algorithm>

#include "vmm/error.h"

namespace fv::session {

RingPlace FindRing(const vmm::GuestMemory& memory, uint64_t channel_gpa, uint64_t member) {
  const auto header = memory.Load<proto::RingHeader>(channel_gpa + member);
  // A capacity that no memory has room for would be no number of bytes.
  if (!header || header->capacity == 0 || header->capacity > memory.size() / proto::RingBytes(1) ||
      !memory.Contains(channel_gpa + header->offset, proto::RingBytes(header->capacity))) {
    throw vmm::VmmError(vmm::VmmErrorKind::kBadConfig, "the channel's rings are not in guest RAM");
  }
  return {channel_gpa + member, channel_gpa + header->offset, header->capacity};
}

uint64_t CommandWriter::Room() const {
  const uint64_t consumed =
      memory_.Load<uint64_t>(place_.header_gpa + offsetof(proto::RingHeader, consumed)).value();
  const uint64_t used = produced_ - consumed;
  return used > place_.capacity ? 0 : place_.capacity - used;
}

bool CommandWriter::Push(proto::CommandKind kind, const void* data, size_t bytes) {
  if (Room() == 0 || bytes > kMaxData) return false;
  proto::CommandRecord record{
      .sequence = produced_, .kind = kind, .length = static_cast<uint8_t>(bytes), .data = {}};
  if (bytes > 0) std::memcpy(record.data, data, bytes);
  const uint64_t slot = produced_ % place_.capacity;
  if (!memory_.Store(place_.slots_gpa + slot * sizeof(record), record)) return false;
  ++produced_;
  return memory_.Store(place_.header_gpa + offsetof(proto::RingHeader, produced), produced_);
}

}  // namespace fv::session
