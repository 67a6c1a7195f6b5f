// SPDX-License-Identifier: Apache-2.0
//
// Links are resolved by looking addresses up among the tasks that the list walk found: nothing here
// follows a pointer into the guest.
#include "src/oracle/task_rules.h"

#include <algorithm>
#include <cstddef>
#include <map>
#include <string>
#include <unordered_map>

#include "src/inspect/list_walk.h"
#include "src/inspect/render.h"
#include "src/oracle/task_index.h"

namespace fv::oracle {
namespace {

using inspect::Hex;
using inspect::Task;
using proto::GuestPtr;
using proto::TaskRecord;
using proto::TaskState;

class TaskRules {
 public:
  TaskRules(const TaskView& view, Findings& findings)
      : view_(view), findings_(findings), index_(view.tasks) {
    for (const proto::CpuRecord& cpu : view.cpus) {
      idle_.push_back(cpu.idle);
    }
  }

  void CheckAll() {
    CheckCount();
    CheckHash();
    CheckGroups();
    CheckFamilies();
    CheckMms();
    CheckCpuRecords();
  }

  void CheckCpuRecords() {
    for (const proto::CpuRecord& cpu : view_.cpus) {
      if (IsIdle(cpu.current)) {
        continue;
      }
      const Task* task = Find(cpu.current);
      if (task == nullptr) {
        findings_
            .Add(Rule::kCpuCurrent,
                 "the CPU runs " + Hex(cpu.current) + ", which is not on the task list")
            .address = cpu.current;
        continue;
      }
      if (task->record.mm == 0) {
        continue;
      }
      const MmUse* mm = FindMm(task->record.mm);
      if (mm != nullptr && cpu.loaded_root != mm->root_gpa) {
        Add(Rule::kCpuCurrent, *task,
            "its page tables are at " + Hex(mm->root_gpa) + ", but the CPU has loaded " +
                Hex(cpu.loaded_root));
      }
    }
  }

 private:
  void Add(Rule rule, const Task& task, std::string sentence) {
    Finding& finding = findings_.Add(rule, std::move(sentence));
    finding.pid = task.record.pid;
    finding.comm = inspect::CommText(task.record);
    finding.address = task.address;
  }

  const Task* Find(GuestPtr address) const { return index_.Find(address); }
  bool IsIdle(GuestPtr address) const {
    return std::find(idle_.begin(), idle_.end(), address) != idle_.end();
  }
  const MmUse* FindMm(GuestPtr address) const {
    for (const MmUse& mm : view_.mms) {
      if (mm.address == address) {
        return &mm;
      }
    }
    return nullptr;
  }

  void CheckCount() {
    if (view_.header.task_count != view_.tasks.size()) {
      findings_.Add(Rule::kTaskCount,
                    "the kernel counts " + std::to_string(view_.header.task_count) +
                        " tasks, the list has " + std::to_string(view_.tasks.size()));
    }
    std::unordered_map<uint32_t, const Task*> by_pid;
    for (const Task& task : view_.tasks) {
      const auto [it, fresh] = by_pid.emplace(task.record.pid, &task);
      if (!fresh) {
        Add(Rule::kDuplicatePid, task, "task " + Hex(it->second->address) + " has the same pid");
      }
    }
  }

  void CheckHash() {
    std::unordered_map<GuestPtr, unsigned> hashed;
    for (const inspect::HashedTask& entry : view_.pid_hash) {
      const Task* task = Find(entry.task);
      if (task == nullptr) {
        findings_
            .Add(Rule::kPidHash, "bucket " + std::to_string(entry.bucket) + " holds " +
                                     Hex(entry.task) + ", which is not on the task list")
            .address = entry.task;
        continue;
      }
      const uint64_t bucket = task->record.pid & (view_.header.pid_buckets - 1);
      if (bucket != entry.bucket) {
        Add(Rule::kPidHash, *task,
            "the task is in bucket " + std::to_string(entry.bucket) + ", its pid belongs into " +
                std::to_string(bucket));
      }
      ++hashed[entry.task];
    }
    for (const Task& task : view_.tasks) {
      const unsigned times = hashed.count(task.address) != 0 ? hashed[task.address] : 0;
      if (Counts(task.record) && times != 1 && !IsIdle(task.address)) {
        Add(Rule::kPidHash, task,
            "the task is in the pid hash " + std::to_string(times) + " times");
      }
    }
  }

  void CheckGroups() {
    std::unordered_map<uint32_t, int64_t> members;
    for (const Task& task : view_.tasks) {
      if (Counts(task.record)) {
        ++members[task.record.tgid];
      }
    }
    for (const Task& task : view_.tasks) {
      if (!Counts(task.record) || IsIdle(task.address)) {
        continue;
      }
      const Task* leader = Find(task.record.leader);
      if (leader == nullptr || leader->record.tgid != task.record.tgid ||
          leader->record.pid != task.record.tgid) {
        Add(Rule::kThreadGroup, task,
            "its leader " + Hex(task.record.leader) + " is not the task whose pid is its tgid " +
                std::to_string(task.record.tgid));
      }
      if (leader != &task) {
        continue;
      }
      std::string why;
      const GuestPtr head = task.address + offsetof(TaskRecord, group);
      const int64_t found = index_.WalkRing(
          task.record.group, head, offsetof(TaskRecord, group),
          [&](const Task& other) {
            if (other.record.tgid != task.record.tgid) {
              Add(Rule::kThreadGroup, other,
                  "it is in the ring of group " + std::to_string(task.record.tgid) +
                      " but its tgid is " + std::to_string(other.record.tgid));
            }
          },
          why);
      if (found < 0) {
        Add(Rule::kThreadGroup, task, "ring of the thread group: " + why);
      } else if (found + 1 != members[task.record.tgid]) {
        Add(Rule::kThreadGroup, task,
            "its ring has " + std::to_string(found + 1) + " members, " +
                std::to_string(members[task.record.tgid]) + " tasks have this tgid");
      }
    }
  }

  void CheckFamilies() {
    std::unordered_map<GuestPtr, unsigned> listed;
    for (const Task& task : view_.tasks) {
      if (!Counts(task.record)) {
        continue;
      }
      std::string why;
      const GuestPtr head = task.address + offsetof(TaskRecord, children);
      const int64_t found = index_.WalkRing(
          task.record.children, head, offsetof(TaskRecord, sibling),
          [&](const Task& child) {
            ++listed[child.address];
            if (child.record.parent != task.address) {
              Add(Rule::kChildren, child,
                  "it is among the children of pid " + std::to_string(task.record.pid) +
                      " but its parent is " + Hex(child.record.parent));
            }
          },
          why);
      if (found < 0) {
        Add(Rule::kChildren, task, "list of children: " + why);
      }
    }
    for (const Task& task : view_.tasks) {
      CheckParent(task, listed.count(task.address) != 0 ? listed[task.address] : 0);
    }
  }

  void CheckParent(const Task& task, unsigned times_listed) {
    const TaskRecord& record = task.record;
    const bool leads = record.leader == task.address;
    if (!Counts(record) || !leads || IsIdle(task.address) || record.parent == 0 ||
        IsIdle(record.parent) || record.parent == task.address) {
      return;
    }
    if (Find(record.parent) == nullptr) {
      Add(Rule::kChildren, task, "its parent " + Hex(record.parent) + " is not on the task list");
    } else if (times_listed != 1) {
      Add(Rule::kChildren, task,
          "it stands " + std::to_string(times_listed) + " times in lists of children");
    }
  }

  void CheckMms() {
    std::unordered_map<GuestPtr, uint32_t> users;
    for (const Task& task : view_.tasks) {
      if (task.record.mm == 0) {
        continue;
      }
      ++users[task.record.mm];
      if (task.record.state == TaskState::kZombie) {
        Add(Rule::kTaskMm, task, "it is a zombie and still has an address space");
      }
    }
    std::unordered_map<GuestPtr, const MmUse*> known;
    for (const MmUse& mm : view_.mms) {
      known.emplace(mm.address, &mm);
      const uint32_t found = users.count(mm.address) != 0 ? users[mm.address] : 0;
      if (found != mm.users) {
        Finding& finding =
            findings_.Add(Rule::kTaskMm, "the address space counts " + std::to_string(mm.users) +
                                             " users, " + std::to_string(found) + " tasks have it");
        finding.mm = mm.address;
        finding.address = mm.address;
      }
    }
    for (const Task& task : view_.tasks) {
      if (task.record.mm != 0 && known.count(task.record.mm) == 0) {
        Add(Rule::kTaskMm, task,
            "its address space " + Hex(task.record.mm) + " is not on the list");
      }
    }
  }

  const TaskView& view_;
  Findings& findings_;
  TaskIndex index_;
  std::vector<GuestPtr> idle_;
};

}  // namespace

void CheckTasks(const TaskView& view, Findings& findings) { TaskRules(view, findings).CheckAll(); }

void CheckCpus(const TaskView& view, Findings& findings) {
  TaskRules(view, findings).CheckCpuRecords();
}

void CheckStack(const Task& task, Findings& findings) {
  if (task.record.stack == 0) {
    return;
  }
  if (task.stack_readable && task.stack_canary == proto::kStackEndMagic) {
    return;
  }
  Finding& finding = findings.Add(
      Rule::kCanary, task.stack_readable ? "the stack's lowest word is " + Hex(task.stack_canary) +
                                               " instead of " + Hex(proto::kStackEndMagic)
                                         : "the stack " + Hex(task.record.stack) +
                                               " is not an aligned range of guest RAM");
  finding.pid = task.record.pid;
  finding.comm = inspect::CommText(task.record);
  finding.address = task.record.stack;
}

void NameTasks(std::span<const Task> tasks, std::vector<Finding>& findings) {
  for (Finding& finding : findings) {
    if (finding.pid != 0 || finding.mm == 0) {
      continue;
    }
    for (const Task& task : tasks) {
      if (task.record.mm == finding.mm) {
        finding.pid = task.record.pid;
        finding.comm = inspect::CommText(task.record);
        break;
      }
    }
  }
}

}  // namespace fv::oracle
