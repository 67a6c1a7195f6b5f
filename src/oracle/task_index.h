// SPDX-License-Identifier: Apache-2.0
//
// The listed tasks by address, and walks along links between them. Links are looked up among
// copies: nothing here follows a pointer into the guest.
#pragma once

#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <unordered_map>

#include "proto/records.h"
#include "src/inspect/list_walk.h"
#include "src/inspect/snapshot.h"

namespace fv::oracle {

// Tasks that are being made or about to be freed take part in nothing.
inline bool Counts(const proto::TaskRecord& task) {
  return task.state != proto::TaskState::kNew && task.state != proto::TaskState::kDead;
}

class TaskIndex {
 public:
  // `tasks` outlives the index.
  explicit TaskIndex(std::span<const inspect::Task> tasks) {
    by_address_.reserve(tasks.size() * 2);
    for (const inspect::Task& task : tasks) {
      by_address_.emplace(task.address, &task);
    }
  }

  // nullptr: not on the task list.
  const inspect::Task* Find(proto::GuestPtr address) const {
    const auto it = by_address_.find(address);
    return it == by_address_.end() ? nullptr : it->second;
  }

  // Walks the ring of links at `offset` of the tasks that starts after the head, and calls `member`
  // for each. Returns the number of members, or -1 with `why` set.
  template <typename Member>
  int64_t WalkRing(proto::Link head, proto::GuestPtr head_address, uint64_t offset, Member member,
                   std::string& why) const {
    int64_t count = 0;
    proto::GuestPtr previous = head_address;
    for (proto::GuestPtr at = head.next; at != head_address; ++count) {
      const inspect::Task* task = Find(at - offset);
      if (task == nullptr) {
        why = "the link after " + inspect::Hex(previous) + " is " + inspect::Hex(at) +
              ", in no task of the list";
        return -1;
      }
      proto::Link link;
      std::memcpy(&link, reinterpret_cast<const char*>(&task->record) + offset, sizeof(link));
      if (link.prev != previous || count > static_cast<int64_t>(by_address_.size())) {
        why = "the links at " + inspect::Hex(at) + " and " + inspect::Hex(previous) + " disagree";
        return -1;
      }
      member(*task);
      previous = at;
      at = link.next;
    }
    return count;
  }

 private:
  std::unordered_map<proto::GuestPtr, const inspect::Task*> by_address_;
};

}  // namespace fv::oracle
