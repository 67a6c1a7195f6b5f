// SPDX-License-Identifier: Apache-2.0
//
// The tasks of the guest's list as last told.
#pragma once

#include <cstdint>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "proto/channel.h"
#include "proto/recording.pb.h"
#include "src/inspect/memory_reader.h"
#include "src/inspect/snapshot.h"
#include "src/oracle/dirty_bits.h"

namespace fv::recording {

// A task as schema::Task has it.
struct TaskFields {
  uint32_t tgid = 0;
  uint32_t ppid = 0;
  uint32_t state = 0;
  std::string name;
  uint32_t mm = 0;
  uint32_t exit_status = 0;
  uint32_t stack = 0;
  bool operator==(const TaskFields&) const = default;
};
// All but `ppid` and `mm`, which are other structures' to know.
TaskFields OwnFieldsOf(const proto::TaskRecord& record);

class TaskMirror {
 public:
  explicit TaskMirror(const inspect::MemoryReader& memory) : memory_(memory) {}

  // Adds what changed since the last call. `mm_id` gives Mm.id for an address.
  template <typename MmId>
  void Update(const proto::ChannelHeader& header, const oracle::DirtyBits& dirty, MmId mm_id,
              schema::Change& change) {
    if (!Refresh(header, dirty)) return;
    now_.clear();
    for (const inspect::Task& task : tasks_) {
      auto& [pid, fields] = now_.emplace_back(task.record.pid, OwnFieldsOf(task.record));
      fields.ppid = PidOf(task.record.parent);
      fields.mm = mm_id(task.record.mm);
    }
    Tell(change);
  }

  // 0: no task of the list.
  uint32_t PidOf(proto::GuestPtr task) const;

 private:
  // Reads again what was written; false if nothing was.
  bool Refresh(const proto::ChannelHeader& header, const oracle::DirtyBits& dirty);
  bool List(const proto::ChannelHeader& header);
  // What makes told_ into now_, of which the last of several with one pid counts.
  void Tell(schema::Change& change);

  inspect::MemoryReader memory_;
  std::vector<inspect::Task> tasks_;
  std::unordered_map<proto::GuestPtr, uint32_t> pids_;          // by address
  using Fields = std::vector<std::pair<uint32_t, TaskFields>>;  // by pid
  Fields told_;
  Fields now_;              // kept for its memory
  proto::Link head_{1, 1};  // as last read; never valid: the first step lists
  bool broken_ = true;      // the list could not be read whole
};

}  // namespace fv::recording
