// SPDX-License-Identifier: Apache-2.0
#include "src/recording/task_mirror.h"

#include <utility>

#include "src/inspect/structures.h"
#include "src/recording/printable.h"

namespace fv::recording {

using proto::GuestPtr;
using proto::Link;
using proto::TaskRecord;

namespace {

bool SameLink(const Link& a, const Link& b) { return a.next == b.next && a.prev == b.prev; }

void TellChanges(const TaskFields& before, const TaskFields& now, schema::Task& out) {
  if (now.tgid != before.tgid) out.set_tgid(now.tgid);
  if (now.ppid != before.ppid) out.set_ppid(now.ppid);
  if (now.state != before.state) out.set_state(now.state);
  if (now.name != before.name) out.set_name(now.name);
  if (now.mm != before.mm) out.set_mm(now.mm);
  if (now.exit_status != before.exit_status) out.set_exit_status(now.exit_status);
  if (now.stack != before.stack) out.set_stack(now.stack);
}

}  // namespace

TaskFields OwnFieldsOf(const TaskRecord& record) {
  TaskFields fields;
  fields.tgid = record.tgid;
  fields.state = static_cast<uint32_t>(record.state);
  fields.name = Printable(record.comm);
  fields.exit_status = record.exit_code;
  if (record.stack != 0) {
    const uint64_t frame = proto::PhysOfDirectMap(record.stack) >> proto::kPageShift;
    fields.stack = static_cast<uint32_t>(frame);
  }
  return fields;
}

uint32_t TaskMirror::PidOf(GuestPtr task) const {
  const auto at = pids_.find(task);
  return at == pids_.end() ? 0 : at->second;
}

bool TaskMirror::Refresh(const proto::ChannelHeader& header, const oracle::DirtyBits& dirty) {
  Link head{};
  memory_.ReadPtr(header.tasks, head);
  const bool head_changed = !SameLink(head, head_);
  head_ = head;
  if (broken_ || head_changed) return List(header);
  bool any = false;
  for (inspect::Task& task : tasks_) {
    if (!dirty.Record(task.address, sizeof(TaskRecord))) continue;
    const TaskRecord before = task.record;
    if (!inspect::ReadTask(memory_, task.address, task) ||
        !SameLink(task.record.tasks, before.tasks) || task.record.pid != before.pid) {
      return List(header);
    }
    any = true;
  }
  return any;
}

bool TaskMirror::List(const proto::ChannelHeader& header) {
  std::vector<inspect::Malformed> malformed;
  tasks_ = inspect::ReadTasks(memory_, header, malformed);
  broken_ = !malformed.empty();
  pids_.clear();
  for (const inspect::Task& task : tasks_) pids_[task.address] = task.record.pid;
  return true;
}

void TaskMirror::Tell(std::map<uint32_t, TaskFields> now, schema::Change& change) {
  for (const auto& [pid, fields] : told_) {
    if (!now.contains(pid)) change.add_removed_tasks(pid);
  }
  for (const auto& [pid, fields] : now) {
    const auto before = told_.find(pid);
    if (before != told_.end() && before->second == fields) continue;
    schema::Task& out = *change.add_tasks();
    out.set_pid(pid);
    TellChanges(before == told_.end() ? TaskFields{} : before->second, fields, out);
  }
  told_ = std::move(now);
}

}  // namespace fv::recording
