// SPDX-License-Identifier: Apache-2.0
//
// I16. At a safepoint the current task is on its way to user code: it waits for nothing.
#include <cstddef>
#include <string>
#include <unordered_map>

#include "src/inspect/list_walk.h"
#include "src/inspect/render.h"
#include "src/oracle/process_rules.h"
#include "src/oracle/task_index.h"

namespace fv::oracle {
namespace {

using inspect::Hex;
using inspect::Task;
using proto::GuestPtr;
using proto::TaskState;

class WaitingRules {
 public:
  WaitingRules(const ProcessView& view, Findings& findings)
      : view_(view), findings_(findings), index_(view.tasks) {}

  void Check() {
    for (const inspect::QueuedWaiter& queued : view_.tables.waiters) {
      if (queued.waiter.record.task != 0) {  // else an epoll item
        CheckWaiter(Rule::kQueueEntry, "wait queue", queued.waiter.address,
                    queued.waiter.record.task);
      }
    }
    for (const inspect::QueuedFutex& queued : view_.tables.futexes) {
      CheckWaiter(Rule::kFutexEntry, "futex queue", queued.waiter.address,
                  queued.waiter.record.task);
    }
    CheckHeap();
    CheckOwners();
  }

 private:
  bool IsCurrent(GuestPtr task) const {
    for (const proto::CpuRecord& cpu : view_.cpus) {
      if (cpu.current == task) {
        return true;
      }
    }
    return false;
  }

  // Why `task` cannot be sleeping; nullptr if it can.
  const char* Awake(GuestPtr address) const {
    const Task* task = index_.Find(address);
    if (task == nullptr) {
      return "is on no list of tasks";
    }
    if (task->record.state == TaskState::kZombie || task->record.state == TaskState::kDead) {
      return "is dead";
    }
    return IsCurrent(address) ? "is about to run user code" : nullptr;
  }

  void CheckWaiter(Rule rule, const char* what, GuestPtr entry, GuestPtr task) {
    const char* why = Awake(task);
    if (why == nullptr) {
      return;
    }
    const Task* known = index_.Find(task);
    Finding& finding =
        findings_.Add(rule, std::string("the entry ") + Hex(entry) + " of a " + what +
                                " belongs to the task " + Hex(task) + ", which " + why);
    finding.address = entry;
    if (known != nullptr) {
      finding.pid = known->record.pid;
      finding.comm = inspect::CommText(known->record);
    }
  }

  void AddTimer(Rule rule, GuestPtr address, std::string sentence) {
    findings_.Add(rule, std::move(sentence)).address = address;
  }

  void CheckHeap() {
    std::unordered_map<GuestPtr, const proto::TimerRecord*> timers;
    for (const auto& timer : view_.tables.timers) {
      timers.emplace(timer.address, &timer.record);
    }
    for (const auto& [address, timer] : timers) {
      if (timer->armed != 1) {
        AddTimer(Rule::kTimerHeap, address, "a timer in the heap is not marked as armed");
      }
      // A link that leads nowhere ends the list: it was reported as malformed.
      for (auto child = timers.find(timer->child); child != timers.end();
           child = timers.find(child->second->next)) {
        if (child->second->deadline_ns < timer->deadline_ns) {
          AddTimer(Rule::kTimerHeap, child->first,
                   "a timer is due at " + std::to_string(child->second->deadline_ns) +
                       " ns, its parent at " + std::to_string(timer->deadline_ns));
        }
      }
    }
    if ((view_.header.timer_deadline_tsc != 0) != !timers.empty()) {
      AddTimer(Rule::kTimerHeap, view_.header.timers,
               std::to_string(timers.size()) +
                   " timers are armed, the deadline that the host is told is TSC " +
                   std::to_string(view_.header.timer_deadline_tsc));
    }
  }

  void CheckOwners() {
    std::unordered_map<GuestPtr, std::string> wrong;  // timers of something, and what is wrong
    for (const Task& task : view_.tasks) {
      const char* why = Awake(task.address);
      wrong.emplace(task.record.sleep_timer_at,
                    why == nullptr
                        ? ""
                        : "the sleep of pid " + std::to_string(task.record.pid) + ", which " + why);
    }
    for (const inspect::SignalGroup& group : view_.tables.groups) {
      const std::string why =
          group.record.live > 0 ? "" : "the dead group at " + Hex(group.address);
      wrong.emplace(group.record.real_timer_at, why);
      for (const auto& timer : group.timers) {
        wrong.emplace(timer.address + offsetof(proto::PosixTimerRecord, timer), why);
      }
    }
    for (const auto& file : view_.tables.files) {
      if (file.record.timer_at != 0) {
        wrong.emplace(file.record.timer_at, "");
      }
    }
    for (const auto& timer : view_.tables.timers) {
      const auto found = wrong.find(timer.address);
      if (found == wrong.end()) {
        AddTimer(Rule::kTimerOwner, timer.address,
                 "an armed timer is of no task, group or open file");
      } else if (!found->second.empty()) {
        AddTimer(Rule::kTimerOwner, timer.address, "an armed timer is of " + found->second);
      }
    }
  }

  const ProcessView& view_;
  Findings& findings_;
  TaskIndex index_;
};

}  // namespace

void CheckWaiting(const ProcessView& view, Findings& findings) {
  WaitingRules(view, findings).Check();
}

}  // namespace fv::oracle
