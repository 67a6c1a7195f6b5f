// SPDX-License-Identifier: Apache-2.0
//
// See the header.
#include "src/oracle/task_cache.h"

#include <algorithm>
#include <cstring>

#include "src/inspect/structures.h"
#include "src/oracle/full_checker.h"
#include "src/oracle/task_rules.h"

namespace fv::oracle {

using inspect::Task;
using proto::CpuRecord;
using proto::Link;
using proto::TaskRecord;
using proto::TaskState;

namespace {

bool SameLink(const Link& a, const Link& b) { return a.next == b.next && a.prev == b.prev; }

// Which of the states that I9 tells apart.
int StateClass(TaskState state) {
  switch (state) {
    case TaskState::kZombie:
      return 1;
    case TaskState::kDead:
      return 2;
    case TaskState::kNew:
      return 3;
    default:
      return 0;
  }
}

// Equal in what I15 and I16 look at.
bool SameShares(const TaskRecord& a, const TaskRecord& b) {
  return a.files == b.files && a.fs == b.fs && a.sighand == b.sighand && a.signal == b.signal &&
         a.credentials == b.credentials && a.exe_file == b.exe_file &&
         a.vfork_done == b.vfork_done && a.pending_at == b.pending_at &&
         a.sleep_timer_at == b.sleep_timer_at &&
         (a.flags & proto::kTaskExiting) == (b.flags & proto::kTaskExiting);
}

// Equal in everything that I9 looks at.
bool SameFamily(const TaskRecord& a, const TaskRecord& b) {
  return a.pid == b.pid && a.tgid == b.tgid && StateClass(a.state) == StateClass(b.state) &&
         SameLink(a.tasks, b.tasks) && SameLink(a.pid_hash, b.pid_hash) &&
         SameLink(a.group, b.group) && SameLink(a.children, b.children) &&
         SameLink(a.sibling, b.sibling) && a.parent == b.parent && a.leader == b.leader &&
         a.mm == b.mm && a.stack == b.stack && a.id == b.id && a.pgid == b.pgid && a.sid == b.sid &&
         SameLink(a.group_link, b.group_link) && SameLink(a.session_link, b.session_link) &&
         SameShares(a, b);
}

}  // namespace

const Task* TaskCache::FindPid(uint32_t pid) const {
  for (const Task& task : tasks_) {
    if (task.record.pid == pid) {
      return &task;
    }
  }
  return nullptr;
}

uint64_t TaskCache::allocated() const {
  uint64_t count = tasks_.size();
  for (const CpuRecord& cpu : cpus_) {
    const bool listed = std::any_of(tasks_.begin(), tasks_.end(),
                                    [&](const Task& task) { return task.address == cpu.idle; });
    count += cpu.idle != 0 && !listed ? 1 : 0;
  }
  return count;
}

// Returns true if something that I9 looks at changed.
bool TaskCache::RefreshKnown(const DirtyBits& dirty, Findings& findings) {
  bool changed = false;
  for (Task& task : tasks_) {
    const proto::GuestPtr stack = task.record.stack;
    const bool stack_dirty = task.stack_readable && dirty.Record(stack, 8);
    if (!stack_dirty && !dirty.Record(task.address, sizeof(TaskRecord))) {
      continue;
    }
    const TaskRecord before = task.record;
    if (!inspect::ReadTask(memory_, task.address, task)) {
      return true;
    }
    if (stack_dirty || task.record.stack != stack) {
      CheckStack(task, findings);
    }
    changed |= !SameFamily(before, task.record);
  }
  return changed;
}

bool TaskCache::HashTouched(const proto::ChannelHeader& header, const DirtyBits& dirty) const {
  return header.pid_buckets == 0 || !proto::InDirectMap(header.pid_hash, memory_.ram_bytes()) ||
         header.pid_buckets > memory_.ram_bytes() / sizeof(Link) ||
         dirty.Record(header.pid_hash, header.pid_buckets * sizeof(Link));
}

void TaskCache::Refresh(const proto::ChannelHeader& header, const DirtyBits& dirty,
                        const MmCache& mms, Findings& findings) {
  std::vector<inspect::Malformed> malformed;
  std::vector<CpuRecord> cpus = inspect::ReadCpus(memory_, header, malformed);
  const bool cpus_same =
      cpus.size() == cpus_.size() &&
      std::equal(cpus.begin(), cpus.end(), cpus_.begin(), [](const auto& a, const auto& b) {
        return a.current == b.current && a.loaded_root == b.loaded_root && a.idle == b.idle;
      });
  cpus_ = std::move(cpus);
  Link head{};
  memory_.ReadPtr(header.tasks, head);
  bool all =
      broken_ || !SameLink(head, head_) || header.task_count != task_count_ || mms.users_changed();
  all |= RefreshKnown(dirty, findings);
  head_ = head;
  task_count_ = header.task_count;
  if (!all && HashTouched(header, dirty)) {
    std::vector<inspect::Malformed> hash_malformed;
    const auto hash = inspect::ReadPidHash(memory_, header, hash_malformed);
    all = !hash_malformed.empty() || hash.size() != hash_.size() ||
          !std::equal(hash.begin(), hash.end(), hash_.begin(), [](const auto& a, const auto& b) {
            return a.bucket == b.bucket && a.task == b.task;
          });
  }
  std::vector<MmUse> uses;
  for (const auto& state : mms.slots()) {
    if (state != nullptr) {
      uses.push_back({state->mm.address, state->mm.record.users, state->mm.record.root_gpa});
    }
  }
  if (all) {
    std::vector<Task> before = std::move(tasks_);
    tasks_ = inspect::ReadTasks(memory_, header, malformed);
    hash_ = inspect::ReadPidHash(memory_, header, malformed);
    for (const Task& task : tasks_) {
      const bool known = std::any_of(before.begin(), before.end(),
                                     [&](const Task& old) { return old.address == task.address; });
      if (!known || broken_) {
        CheckStack(task, findings);
      }
    }
    CheckTasks({header, tasks_, hash_, uses, cpus_}, findings);
  } else if (!cpus_same) {
    CheckCpus({header, tasks_, hash_, uses, cpus_}, findings);
  }
  broken_ = !malformed.empty();
  AddMalformed(malformed, findings);
  changed_ = all ? TasksChanged::kYes : TasksChanged::kNo;
  ids_.Refresh(header, dirty, tasks_, changed_, findings);
}

}  // namespace fv::oracle
