// SPDX-License-Identifier: Apache-2.0
#include "src/recording/state_differ.h"

#include <vector>

#include "src/inspect/structures.h"

namespace fv::recording {

StateDiffer::StateDiffer(const inspect::MemoryReader& memory, const inspect::ChannelView& channel)
    : memory_(memory),
      channel_(channel),
      frames_(memory),
      tables_(memory),
      mms_(memory),
      tasks_(memory),
      open_((memory.frames() + 63) / 64) {
  const proto::RingHeader ring = channel.Header().events;
  ring_begin_ = (channel.gpa() + ring.offset + proto::kPageBytes - 1) >> proto::kPageShift;
  ring_end_ = (channel.gpa() + ring.offset + ring.capacity * sizeof(proto::EventRecord)) >>
              proto::kPageShift;
}

absl::Status StateDiffer::Step(std::span<const uint64_t> dirty,
                               std::span<const proto::EventRecord> events, schema::Change& change) {
  const auto header = channel_.LiveHeader();
  if (!header.ok()) return header.status();
  oracle::DirtyBits bits(dirty);
  bits.List(open_);
  frames_.Update(*header, bits, change);
  mms_.Update(*header, bits, events, tables_, change);
  tasks_.Update(
      *header, bits, [this](proto::GuestPtr mm) { return mms_.IdOf(mm); }, change);
  TellRunning(*header, change);
  UpdateOpen();
  return absl::OkStatus();
}

void StateDiffer::UpdateOpen() {
  const auto decide = [this](uint64_t frame) {
    const uint64_t bit = uint64_t{1} << (frame % 64);
    const bool ring = frame >= ring_begin_ && frame < ring_end_;
    const bool open = (ring || frames_.HoldsNoRecords(frame)) && !tables_.IsTable(frame);
    open_[frame / 64] = open ? open_[frame / 64] | bit : open_[frame / 64] & ~bit;
  };
  for (const uint64_t frame : frames_.restated()) decide(frame);
  for (const uint64_t frame : tables_.entered()) decide(frame);
}

void StateDiffer::TellRunning(const proto::ChannelHeader& header, schema::Change& change) {
  proto::CpuRecord cpu;
  if (header.cpu_count == 0 || !memory_.ReadPtr(header.cpus, cpu)) return;
  const uint32_t running = tasks_.PidOf(cpu.current);
  if (running == running_) return;
  running_ = running;
  change.set_running(running);
}

}  // namespace fv::recording
