// SPDX-License-Identifier: Apache-2.0
//
// Reads a whole guest into a Snapshot. The reader keeps its buffers, so that repeated snapshots of
// one guest allocate nothing large.
#pragma once

#include <cstdint>
#include <vector>

#include "absl/status/status.h"
#include "src/inspect/channel_view.h"
#include "src/inspect/memory_reader.h"
#include "src/inspect/snapshot.h"

namespace fv::inspect {

class SnapshotReader {
 public:
  // `memory` must stay mapped.
  SnapshotReader(const MemoryReader& memory, const ChannelView& channel)
      : memory_(memory), channel_(channel) {}

  // Fails only if the channel's roots are not usable; everything else that is wrong is described
  // in Snapshot::malformed. Work is linear in what the guest has mapped, bounded by its RAM.
  absl::Status ReadInto(Snapshot& snapshot);

 private:
  MemoryReader memory_;
  ChannelView channel_;
  std::vector<int32_t> table_of_;
};

// Number of frame records worth reading: the high-water mark, if it can be believed.
uint64_t UsedFrames(const proto::ChannelHeader& header);

}  // namespace fv::inspect
