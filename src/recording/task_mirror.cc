// SPDX-License-Identifier: Apache-2.0
#include "src/recording/task_mirror.h"

#include <algorithm>

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

void TaskMirror::Tell(schema::Change& change) {
  std::ranges::stable_sort(now_, {}, &Fields::value_type::first);
  const auto same = [](const auto& a, const auto& b) { return a.first == b.first; };
  // The first of those that are the same from the back: the last.
  const auto end = std::unique(now_.rbegin(), now_.rend(), same);
  now_.erase(now_.begin(), end.base());
  const auto add = [&](uint32_t pid, const TaskFields& before, const TaskFields& fields) {
    schema::Task& out = *change.add_tasks();
    out.set_pid(pid);
    TellChanges(before, fields, out);
  };
  auto was = told_.begin();
  for (const auto& [pid, fields] : now_) {
    for (; was != told_.end() && was->first < pid; ++was) change.add_removed_tasks(was->first);
    if (was == told_.end() || was->first != pid) {
      add(pid, {}, fields);
    } else if (const auto& before = (was++)->second; !(before == fields)) {
      add(pid, before, fields);
    }
  }
  for (; was != told_.end(); ++was) change.add_removed_tasks(was->first);
  std::swap(told_, now_);
}

}  // namespace fv::recording
