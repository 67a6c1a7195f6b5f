// SPDX-License-Identifier: Apache-2.0
#include "src/query/moment.h"

#include <string>

#include "proto/boot_info.h"
#include "src/inspect/mapping_path.h"
#include "src/inspect/snapshot_reader.h"

namespace fv::query {
namespace {

using proto::kPageShift;

void CopyFramesInUse(Moment& moment) {
  const uint64_t bytes = moment.memory.ram_bytes();
  vmm::Mapping copy = vmm::Mapping::Reserve(bytes);
  auto* words = reinterpret_cast<uint64_t*>(copy.data());
  const uint64_t frames = moment.snapshot.frames.size();
  for (uint64_t pfn = 0; pfn < frames && pfn < moment.memory.frames(); ++pfn) {
    if (FrameInUse(moment.snapshot, pfn)) {
      moment.memory.LoadPage(pfn, words + (pfn << (kPageShift - 3)));
    }
  }
  moment.memory = inspect::MemoryReader(copy.data(), bytes);
  moment.copy = std::move(copy);
}

}  // namespace

std::string PathOf(const Moment& moment, const inspect::Vma& vma) {
  if (moment.contents == Contents::kAll) return inspect::MappingPath(moment.memory, vma.address);
  const auto path = moment.paths.find(vma.address);
  return path == moment.paths.end() ? "" : path->second;
}

bool FrameInUse(const inspect::Snapshot& snapshot, uint64_t pfn) {
  return snapshot.Frame(pfn).state != proto::FrameState::kFree;
}

absl::StatusOr<GuestRam> FindGuest(const inspect::MemoryReader& memory) {
  proto::BootInfo boot;
  if (!memory.Read(proto::kBootInfoPhys, boot) || boot.magic != proto::kBootMagic) {
    return absl::DataLossError("no boot information of a Forkvisor guest at its place in memory");
  }
  return GuestRam{memory, boot.channel_gpa, boot.channel_bytes};
}

absl::StatusOr<Moment> TakeMoment(const GuestRam& ram, Keep keep) {
  absl::StatusOr<inspect::ChannelView> channel =
      inspect::ChannelView::Open(ram.memory, ram.channel_gpa, ram.channel_bytes);
  if (!channel.ok()) return channel.status();
  Moment moment;
  absl::Status read = inspect::SnapshotReader(ram.memory, *channel).ReadInto(moment.snapshot);
  if (!read.ok()) return read;
  moment.events = channel->LastEvents(channel->Header().events.capacity);
  moment.memory = ram.memory;
  if (keep == Keep::kCopy) CopyFramesInUse(moment);
  return moment;
}

}  // namespace fv::query
