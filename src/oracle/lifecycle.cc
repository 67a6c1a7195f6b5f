// SPDX-License-Identifier: Apache-2.0
//
// See the header. A rule is silent where something else may have happened in between.
#include "src/oracle/lifecycle.h"

#include <linux/sched.h>

#include <algorithm>
#include <iterator>

#include "src/inspect/list_walk.h"
#include "src/inspect/render.h"
#include "src/trace/names.h"

namespace fv::oracle {

using inspect::Hex;
using inspect::Task;
using proto::EventBit;
using proto::EventKind;
using proto::EventRecord;
using proto::GuestPtr;

namespace {

uint64_t SyscallsOf(const Moment& moment) {
  uint64_t sum = 0;
  for (const proto::CpuRecord& cpu : moment.processes.cpus) {
    sum += cpu.syscalls;
  }
  return sum;
}

bool IsCurrent(const Moment& moment, GuestPtr task) {
  const auto& cpus = moment.processes.cpus;
  return std::any_of(cpus.begin(), cpus.end(),
                     [task](const proto::CpuRecord& cpu) { return cpu.current == task; });
}

bool IsSignal(const EventRecord& event) {
  return event.kind == EventKind::kSignal || event.kind == EventKind::kHandler;
}

// The kernel's own access to where user memory does not allow it (EFAULT): nothing was changed.
bool WasRefused(const EventRecord& fault) {
  constexpr uint64_t kSegvMapErr = 1;  // FaultResult of the kernel
  constexpr uint64_t kBusAdrErr = 3;
  return fault.e == 0 && kSegvMapErr <= fault.c && fault.c <= kBusAdrErr;
}

bool IsSwitch(const EventRecord& event) { return event.kind == EventKind::kSwitch; }

}  // namespace

const Task* FindTask(std::span<const Task> tasks, uint32_t pid) {
  const auto found = std::find_if(tasks.begin(), tasks.end(),
                                  [pid](const Task& task) { return task.record.pid == pid; });
  return found == tasks.end() ? nullptr : &*found;
}

Footprint::Footprint(const Moment& moment) {
  const ProcessView& view = moment.processes;
  const inspect::ProcessTables& tables = view.tables;
  for (const auto& at : tables.handlers) Add("signal handlers", at.address, at.refs);
  for (const auto& at : tables.groups) Add("signal structure", at.address, at.record.refs);
  for (const auto& at : tables.credentials) Add("credentials", at.address, at.record.refs);
  for (const auto& at : tables.fd_tables) Add("descriptor table", at.address, at.users);
  for (const auto& at : tables.fs) Add("working directory", at.address, at.record.users);
  for (const auto& at : tables.files) Add("file", at.address, at.record.holders);
  for (const auto& at : tables.users) {
    Add("processes of the user", at.address, at.record.processes);
    Add("signals of the user", at.address, at.record.signals);
    Add("references to the user", at.address, at.record.refs);
  }
  for (const auto& at : view.tasks) Add("task", at.address, at.record.usage);
  for (const auto& at : moment.ids.pids) Add("id", at.address, at.record.refs);
  for (const auto& at : moment.ids.spaces) {
    Add("pid namespace", at.address, at.record.refs);
    Add("ids of the pid namespace", at.address, at.record.ids);
  }
  for (const auto& state : moment.mms.slots()) {
    if (state != nullptr) {
      Add("users of the address space", state->mm.address, state->mm.record.users);
      Add("address space", state->mm.address, state->mm.record.count);
    }
  }
  for (const auto& at : view.slabs)
    Add("objects of the cache", at.address, at.record.active_objects);
  Add("promised pages", 0, view.header.committed_pages);
}

std::string Footprint::Difference(const Footprint& now) const {
  std::vector<Count> before = counts_;
  std::vector<Count> after = now.counts_;
  std::sort(before.begin(), before.end());
  std::sort(after.begin(), after.end());
  std::vector<Count> differ;
  std::set_symmetric_difference(before.begin(), before.end(), after.begin(), after.end(),
                                std::back_inserter(differ));
  std::string text;
  for (const Count& count : differ) {
    const bool was = std::binary_search(before.begin(), before.end(), count);
    text += (text.empty() ? "" : ", ") + std::string(count.what) + " " + Hex(count.address) +
            (was ? " had " : " has ") + std::to_string(count.value);
  }
  return text;
}

uint64_t LifecycleChecker::RequiredEvents() {
  return EventBit(EventKind::kForkBegin) | EventBit(EventKind::kForkEnd) |
         EventBit(EventKind::kSwitch) | EventBit(EventKind::kSignal) |
         EventBit(EventKind::kHandler) | EventBit(EventKind::kFault) | EventBit(EventKind::kExec) |
         EventBit(EventKind::kExit);
}

void LifecycleChecker::Check(const Moment& now, std::span<const EventRecord> events,
                             Findings& findings) {
  const EventRecord* begin = nullptr;
  for (const EventRecord& event : events) {
    if (event.kind == EventKind::kForkBegin) {
      begin = &event;
    } else if (event.kind == EventKind::kForkEnd && begin != nullptr && event.e == 0 &&
               begin->pid == event.pid) {
      const EventRecord* last = events.data() + events.size();
      const SinceFork since{std::any_of(begin, last, IsSignal), std::any_of(begin, last, IsSwitch)};
      CheckForkChild(now, *begin, event, since, findings);
    } else if (event.kind == EventKind::kExec) {
      CheckExec(now, event, findings);
    }
  }
  CheckExits(now, events, findings);
  FollowVforks(now, events, findings);
  if (known_) {
    CheckFailedFork(now, events, findings);
  }
}

void LifecycleChecker::Remember(const Moment& now) {
  known_ = true;
  tasks_.assign(now.processes.tasks.begin(), now.processes.tasks.end());
  syscalls_ = SyscallsOf(now);
  footprint_ = Footprint(now);
}

void LifecycleChecker::Forget() {
  known_ = false;
  tasks_.clear();
  vforks_.clear();
}

// The call was the only thing that happened since the moment before: then all is as it was.
void LifecycleChecker::CheckFailedFork(const Moment& now, std::span<const EventRecord> events,
                                       Findings& findings) const {
  const EventRecord* end = nullptr;
  for (const EventRecord& event : events) {
    switch (event.kind) {
      case EventKind::kForkBegin:
        if ((event.a & CLONE_SYSVSEM) != 0) {
          return;  // the parent keeps the list of undo operations that was made to be shared
        }
        break;
      case EventKind::kForkEnd:
        if (end != nullptr || event.e == 0) {
          return;
        }
        end = &event;
        break;
      case EventKind::kSwitch:
      case EventKind::kSignal:
      case EventKind::kExec:
      case EventKind::kExit:
        return;
      case EventKind::kFault:
        if (!WasRefused(event)) {
          return;
        }
        break;
      default:
        break;
    }
  }
  if (end == nullptr || SyscallsOf(now) != syscalls_ + 1) {
    return;
  }
  const std::string difference = footprint_.Difference(Footprint(now));
  if (difference.empty()) {
    return;
  }
  Finding& finding = findings.Add(
      Rule::kFailedFork,
      "a fork failed with " + trace::ErrorName(static_cast<int>(end->e)) + ": " + difference);
  finding.pid = end->pid;
  if (const Task* task = FindTask(now.processes.tasks, end->pid)) {
    finding.comm = inspect::CommText(task->record);
  }
}

void LifecycleChecker::CheckExits(const Moment& now, std::span<const EventRecord> events,
                                  Findings& findings) const {
  for (size_t i = 0; i < events.size(); ++i) {
    if (events[i].kind != EventKind::kExit) {
      continue;
    }
    const Task* before = FindTask(tasks_, events[i].pid);
    const bool same_program = std::none_of(
        events.begin(), events.begin() + static_cast<ptrdiff_t>(i), [&](const EventRecord& event) {
          return event.kind == EventKind::kExec && event.pid == events[i].pid;
        });
    if (before != nullptr && same_program) {
      CheckExitMemory(now, before->record, findings);
    }
    CheckParentTold(now, events[i], events.subspan(i), findings);
  }
}

void LifecycleChecker::FollowVforks(const Moment& now, std::span<const EventRecord> events,
                                    Findings& findings) {
  const EventRecord* begin = nullptr;
  for (const EventRecord& event : events) {
    if (event.kind == EventKind::kForkBegin) {
      begin = &event;
    } else if (event.kind == EventKind::kForkEnd && begin != nullptr && event.e == 0 &&
               (begin->a & CLONE_VFORK) != 0 && begin->pid == event.pid) {
      vforks_.push_back({event.pid, static_cast<uint32_t>(event.a), begin->b});
    }
  }
  const auto over = [&](const Vfork& vfork) {
    const Task* parent = FindTask(now.processes.tasks, vfork.parent);
    const Task* child = FindTask(now.processes.tasks, vfork.child);
    return parent == nullptr || child == nullptr || child->record.mm != vfork.mm ||
           parent->record.mm != vfork.mm ||
           ((parent->record.flags | child->record.flags) & proto::kTaskExiting) != 0;
  };
  std::erase_if(vforks_, over);
  for (const Vfork& vfork : vforks_) {
    const Task& parent = *FindTask(now.processes.tasks, vfork.parent);
    if (!IsCurrent(now, parent.address)) {
      continue;
    }
    Finding& finding = findings.Add(
        Rule::kVforkWaits, "it is about to run user code, and its vfork child pid " +
                               std::to_string(vfork.child) + " has not let go of its memory");
    finding.pid = vfork.parent;
    finding.comm = inspect::CommText(parent.record);
    finding.mm = vfork.mm;
  }
}

}  // namespace fv::oracle
