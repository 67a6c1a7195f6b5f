// SPDX-License-Identifier: Apache-2.0
//
// Validation and draining of the channel; see the header for what is believed.
#include "src/inspect/channel_view.h"

#include <algorithm>
#include <string>

#include "absl/status/status.h"
#include "src/inspect/list_walk.h"

namespace fv::inspect {
namespace {

constexpr uint64_t kMaxRingRecords = uint64_t{1} << 24;

absl::Status CheckRing(const proto::RingHeader& ring, uint64_t channel_bytes, const char* name) {
  const bool power_of_two = ring.capacity != 0 && (ring.capacity & (ring.capacity - 1)) == 0;
  if (!power_of_two || ring.capacity > kMaxRingRecords) {
    return absl::OutOfRangeError(std::string("channel: ring ") + name + " has capacity " +
                                 std::to_string(ring.capacity) + ", not a power of two in range");
  }
  const uint64_t bytes = proto::RingBytes(ring.capacity);
  if (ring.offset % 64 != 0 || ring.offset < sizeof(proto::ChannelHeader) ||
      bytes > channel_bytes || ring.offset > channel_bytes - bytes) {
    return absl::OutOfRangeError(std::string("channel: ring ") + name + " at offset " +
                                 Hex(ring.offset) + " leaves the channel");
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<ChannelView> ChannelView::Open(const MemoryReader& memory, uint64_t channel_gpa,
                                              uint64_t channel_bytes) {
  proto::ChannelHeader header;
  if (channel_gpa % proto::kPageBytes != 0 || !memory.Contains(channel_gpa, channel_bytes) ||
      channel_bytes < sizeof(header) || !memory.Read(channel_gpa, header)) {
    return absl::OutOfRangeError("channel: " + Hex(channel_gpa) + " is not inside guest RAM");
  }
  if (header.magic != proto::kChannelMagic) {
    return absl::FailedPreconditionError("channel: no magic at " + Hex(channel_gpa));
  }
  if (header.version != proto::kContractVersion || header.layout_hash != proto::kLayoutHash) {
    return absl::FailedPreconditionError(
        "channel: made by another build (version " + std::to_string(header.version) + ", layout " +
        Hex(header.layout_hash) + "; expected " + std::to_string(proto::kContractVersion) + ", " +
        Hex(proto::kLayoutHash) + ")");
  }
  if (auto status = CheckRing(header.events, channel_bytes, "events"); !status.ok()) return status;
  if (auto status = CheckRing(header.console, channel_bytes, "console"); !status.ok()) {
    return status;
  }
  if (auto status = CheckRing(header.commands, channel_bytes, "commands"); !status.ok()) {
    return status;
  }
  ChannelView view(memory, channel_gpa);
  view.events_ = header.events;
  view.console_ = header.console;
  return view;
}

proto::ChannelHeader ChannelView::Header() const {
  proto::ChannelHeader header = {};
  memory_.Read(gpa_, header);
  return header;
}

absl::StatusOr<proto::ChannelHeader> ChannelView::LiveHeader() const {
  const proto::ChannelHeader header = Header();
  if (header.guest_magic != proto::kChannelMagic) {
    return absl::FailedPreconditionError("channel: the guest kernel has not published its roots");
  }
  if (header.frame_count != memory_.frames()) {
    return absl::DataLossError("channel: frame_count is " + std::to_string(header.frame_count) +
                               ", RAM has " + std::to_string(memory_.frames()) + " frames");
  }
  const uint64_t table_bytes = header.frame_count * sizeof(proto::FrameRecord);
  if (!proto::InDirectMap(header.frame_table, memory_.ram_bytes()) ||
      header.frame_table % sizeof(proto::FrameRecord) != 0 ||
      !memory_.Contains(proto::PhysOfDirectMap(header.frame_table), table_bytes)) {
    return absl::DataLossError("channel: frame table at " + Hex(header.frame_table) +
                               " is not inside guest RAM");
  }
  return header;
}

template <typename Record>
absl::StatusOr<uint64_t> ChannelView::Drain(const proto::RingHeader& fixed, uint64_t produced,
                                            uint64_t cursor, std::vector<Record>& out) const {
  if (produced < cursor || produced - cursor > fixed.capacity) {
    return absl::DataLossError("channel: a ring's producer went from " + std::to_string(cursor) +
                               " to " + std::to_string(produced) + ", beyond its capacity");
  }
  for (; cursor != produced; ++cursor) {
    Record record{};
    const uint64_t slot = cursor & (fixed.capacity - 1);
    memory_.Read(gpa_ + fixed.offset + slot * sizeof(record), record);
    if (record.sequence != cursor) {
      return absl::DataLossError("channel: record " + std::to_string(cursor) +
                                 " carries sequence number " + std::to_string(record.sequence));
    }
    out.push_back(record);
  }
  return cursor;
}

absl::StatusOr<uint64_t> ChannelView::DrainEvents(uint64_t cursor,
                                                  std::vector<proto::EventRecord>& out) const {
  return Drain(events_, Header().events.produced, cursor, out);
}

absl::StatusOr<uint64_t> ChannelView::DrainConsole(uint64_t cursor,
                                                   std::vector<proto::ConsoleRecord>& out) const {
  return Drain(console_, Header().console.produced, cursor, out);
}

std::vector<proto::EventRecord> ChannelView::LastEvents(uint64_t count) const {
  const uint64_t produced = Header().events.produced;
  count = std::min({count, events_.capacity, produced});
  std::vector<proto::EventRecord> out;
  for (uint64_t i = produced - count; i != produced; ++i) {
    proto::EventRecord record{};
    const uint64_t slot = i & (events_.capacity - 1);
    memory_.Read(gpa_ + events_.offset + slot * sizeof(record), record);
    if (record.sequence == i) {
      out.push_back(record);
    }
  }
  return out;
}

}  // namespace fv::inspect
