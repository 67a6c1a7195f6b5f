// SPDX-License-Identifier: Apache-2.0
//
// The guest's state as changes from one safepoint to the next, seen from outside. Only what was
// written since is read. The guest may be broken or hostile: what cannot be read is left out.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "absl/status/status.h"
#include "proto/recording.pb.h"
#include "src/inspect/channel_view.h"
#include "src/inspect/memory_reader.h"
#include "src/recording/frame_mirror.h"
#include "src/recording/mm_mirror.h"
#include "src/recording/table_mirror.h"
#include "src/recording/task_mirror.h"

namespace fv::recording {

class StateDiffer {
 public:
  // `memory` must stay mapped, and the channel have been opened on it.
  StateDiffer(const inspect::MemoryReader& memory, const inspect::ChannelView& channel);

  // What changed since the last call is added to `change`, which is empty; the first call adds
  // everything. `dirty`: frames written since (oracle::DirtyBits); `events`: since, oldest first.
  // Fails only if the channel's header cannot be believed; nothing is added then.
  absl::Status Step(std::span<const uint64_t> dirty, std::span<const proto::EventRecord> events,
                    schema::Change& change);

  // A bit for each frame that may be written without this one's hearing of it: nothing that is told
  // is kept there. A record that a broken guest has in such a frame is read all the same, since the
  // log names it at every step (vmm::LogWishes::open).
  std::span<const uint64_t> open() const { return open_; }

  // Mm.id of the address space at `address`; 0: there is none.
  uint32_t MmId(proto::GuestPtr address) const { return mms_.IdOf(address); }

 private:
  void UpdateOpen();
  void TellRunning(const proto::ChannelHeader& header, schema::Change& change);

  inspect::MemoryReader memory_;
  inspect::ChannelView channel_;
  FrameMirror frames_;
  TableMirror tables_;
  MmMirror mms_;
  TaskMirror tasks_;
  uint32_t running_ = 0;
  uint64_t ring_begin_;  // frames of the ring of events
  uint64_t ring_end_;
  std::vector<uint64_t> open_;
};

}  // namespace fv::recording
