// SPDX-License-Identifier: Apache-2.0
#include "src/recording/state_differ.h"

#include <vector>

#include "src/inspect/structures.h"

namespace fv::recording {

absl::Status StateDiffer::Step(std::span<const uint64_t> dirty,
                               std::span<const proto::EventRecord> events, schema::Change& change) {
  const auto header = channel_.LiveHeader();
  if (!header.ok()) return header.status();
  const oracle::DirtyBits bits(dirty);
  frames_.Update(*header, bits, change);
  mms_.Update(*header, bits, events, tables_, change);
  tasks_.Update(
      *header, bits, [this](proto::GuestPtr mm) { return mms_.IdOf(mm); }, change);
  TellRunning(*header, change);
  return absl::OkStatus();
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
