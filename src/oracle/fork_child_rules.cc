// SPDX-License-Identifier: Apache-2.0
//
// I17: a new task beside its parent, neither of which has run user code since. clone(2) says what
// is shared, copied and fresh.
#include <linux/sched.h>

#include <algorithm>
#include <string>

#include "src/inspect/list_walk.h"
#include "src/inspect/render.h"
#include "src/inspect/structures.h"
#include "src/oracle/lifecycle.h"

namespace fv::oracle {
namespace {

using inspect::Hex;
using inspect::Task;
using proto::GuestPtr;
using proto::TaskRecord;

template <typename List>
const auto* FindAt(const List& list, GuestPtr address) {
  const auto found = std::find_if(list.begin(), list.end(),
                                  [address](const auto& at) { return at.address == address; });
  return found == list.end() ? nullptr : &*found;
}

// `allowed`: descriptors that the parent has got since it was copied.
bool SameSlots(const inspect::FdTable& parent, const inspect::FdTable& child, unsigned allowed) {
  size_t next = 0;
  for (const inspect::FdSlot& slot : parent.slots) {
    if (slot.file == 0) {
      continue;  // a call in progress, which the copy does not have
    }
    if (next >= child.slots.size() || child.slots[next].fd != slot.fd ||
        child.slots[next].file != slot.file ||
        child.slots[next].close_on_exec != slot.close_on_exec) {
      if (allowed-- == 0) {
        return false;
      }
      continue;
    }
    ++next;
  }
  return next == child.slots.size();
}

class ForkChildRules {
 public:
  ForkChildRules(const Moment& now, const Task& parent, const Task& child,
                 const proto::EventRecord& begin, SinceFork since, Findings& findings)
      : now_(now),
        parent_(parent),
        child_(child),
        flags_(begin.a),
        exit_signal_(begin.d),
        child_tid_(begin.e),
        since_(since),
        findings_(findings) {}

  void Check() {
    CheckIdentity();
    CheckShared("files", CLONE_FILES, &TaskRecord::files);
    CheckShared("working directory", CLONE_FS, &TaskRecord::fs);
    CheckShared("signal handlers", CLONE_SIGHAND, &TaskRecord::sighand);
    CheckShared("signal structure", CLONE_THREAD, &TaskRecord::signal);
    CheckShared("address space", CLONE_VM, &TaskRecord::mm);
    CheckInherited();
    CheckFresh();
  }

 private:
  void Add(Rule rule, std::string sentence) {
    Finding& finding = findings_.Add(rule, std::move(sentence));
    finding.pid = child_.record.pid;
    finding.comm = inspect::CommText(child_.record);
    finding.address = child_.address;
  }
  bool Asked(uint64_t flag) const { return (flags_ & flag) != 0; }

  void Expect(Rule rule, const char* what, uint64_t found, uint64_t wanted) {
    if (found != wanted) {
      Add(rule, std::string("its ") + what + " is " + Hex(found) + ", not " + Hex(wanted));
    }
  }

  void CheckIdentity() {
    const TaskRecord& child = child_.record;
    const TaskRecord& parent = parent_.record;
    const bool thread = Asked(CLONE_THREAD);
    const Task* leader = FindTask(now_.processes.tasks, parent.tgid);
    if (leader == nullptr) {
      return;
    }
    const bool sibling = thread || Asked(CLONE_PARENT);
    uint64_t signal = exit_signal_;
    if (thread) {
      signal = 0;
    } else if (Asked(CLONE_PARENT)) {
      signal = leader->record.exit_signal;
    }
    constexpr Rule kRule = Rule::kForkIdentity;
    Expect(kRule, "exit signal", child.exit_signal, signal);
    Expect(kRule, "thread group", child.tgid, thread ? parent.tgid : child.pid);
    Expect(kRule, "leader", child.leader, thread ? parent.leader : child_.address);
    Expect(kRule, "parent", child.parent, sibling ? leader->record.parent : parent.leader);
    Expect(kRule, "process group", child.pgid, parent.pgid);
    Expect(kRule, "session", child.sid, parent.sid);
    Expect(kRule, "address for its tid at exit", child.clear_child_tid,
           Asked(CLONE_CHILD_CLEARTID) ? child_tid_ : 0);
    if (child.state == proto::TaskState::kNew) {
      Add(kRule, "it is on the list of tasks and still being made");
    }
  }

  void CheckShared(const char* what, uint64_t flag, GuestPtr TaskRecord::*field) {
    const bool same = child_.record.*field == parent_.record.*field;
    if (same != Asked(flag)) {
      Add(Rule::kForkShares, std::string("its ") + what + (same ? " is" : " is not") +
                                 " that of its parent, at " + Hex(parent_.record.*field) +
                                 ", but the flags were " + Hex(flags_));
    }
  }

  void CheckInherited() {
    constexpr Rule kRule = Rule::kForkInherits;
    if (!since_.signals) {
      Expect(kRule, "signal mask", child_.record.blocked, parent_.record.blocked);
    }
    Expect(kRule, "credentials", child_.record.credentials, parent_.record.credentials);
    Expect(kRule, "program's file", child_.record.exe_file, parent_.record.exe_file);
    const inspect::ProcessTables& tables = now_.processes.tables;
    const auto* parent_fs = FindAt(tables.fs, parent_.record.fs);
    const auto* child_fs = FindAt(tables.fs, child_.record.fs);
    if (parent_fs != nullptr && child_fs != nullptr) {
      Expect(kRule, "umask", child_fs->record.mask, parent_fs->record.mask);
    }
    const auto* parent_files = FindAt(tables.fd_tables, parent_.record.files);
    const auto* child_files = FindAt(tables.fd_tables, child_.record.files);
    // Another thread's call may have changed a table that the parent shares.
    if (parent_files != nullptr && child_files != nullptr && parent_files != child_files &&
        (parent_files->users == 1 || !since_.switches) &&
        !SameSlots(*parent_files, *child_files, Asked(CLONE_PIDFD) ? 1 : 0)) {
      Add(kRule, "its descriptors are not those of its parent");
    }
    const auto* parent_group = FindAt(tables.groups, parent_.record.signal);
    const auto* child_group = FindAt(tables.groups, child_.record.signal);
    for (unsigned i = 0; parent_group != nullptr && child_group != nullptr && i < proto::kLimits;
         ++i) {
      const proto::LimitRecord& was = parent_group->record.rlimits[i];
      const proto::LimitRecord& is = child_group->record.rlimits[i];
      if (was.soft != is.soft || was.hard != is.hard) {
        Add(kRule, "its limit " + std::to_string(i) + " is " + std::to_string(is.soft) + ", " +
                       std::to_string(is.hard) + ", its parent's " + std::to_string(was.soft) +
                       ", " + std::to_string(was.hard));
      }
    }
    CheckHandlers();
  }

  void CheckHandlers() {
    proto::SighandRecord was;
    proto::SighandRecord is;
    if (child_.record.sighand == parent_.record.sighand ||
        !inspect::ReadHandlers(now_.memory, parent_.record.sighand, was) ||
        !inspect::ReadHandlers(now_.memory, child_.record.sighand, is)) {
      return;
    }
    for (unsigned i = 0; i < proto::kSignals; ++i) {
      const uint64_t handler = was.action[i].handler;
      const bool cleared = Asked(CLONE_CLEAR_SIGHAND) && handler > 1;
      Expect(Rule::kForkInherits, ("handler of signal " + std::to_string(i + 1)).c_str(),
             is.action[i].handler, cleared ? 0 : handler);
    }
  }

  void CheckFresh() {
    constexpr Rule kRule = Rule::kForkFresh;
    const inspect::ProcessTables& tables = now_.processes.tables;
    const bool own_group = !Asked(CLONE_THREAD);
    for (const inspect::PendingSignals& pending : tables.pending) {
      const bool its_own =
          pending.owner == child_.address || (own_group && pending.owner == child_.record.signal);
      if (!since_.signals && its_own && (pending.head.record.set != 0 || !pending.queue.empty())) {
        Add(kRule, "signals are pending for it: " + Hex(pending.head.record.set));
      }
    }
    if (child_.record.robust_list != 0) {
      Add(kRule, "it has a list of robust futexes at " + Hex(child_.record.robust_list));
    }
    const auto* group = FindAt(tables.groups, child_.record.signal);
    if (!own_group || group == nullptr) {
      return;
    }
    if (!group->timers.empty()) {
      Add(kRule, "it has " + std::to_string(group->timers.size()) + " POSIX timers");
    }
    if (FindAt(tables.timers, group->record.real_timer_at) != nullptr) {
      Add(kRule, "its interval timer is armed");
    }
  }

  const Moment& now_;
  const Task& parent_;
  const Task& child_;
  uint64_t flags_;
  uint64_t exit_signal_;
  uint64_t child_tid_;
  SinceFork since_;
  Findings& findings_;
};

}  // namespace

void CheckForkChild(const Moment& now, const proto::EventRecord& begin,
                    const proto::EventRecord& end, SinceFork since, Findings& findings) {
  const Task* parent = FindTask(now.processes.tasks, begin.pid);
  const Task* child = FindTask(now.processes.tasks, static_cast<uint32_t>(end.a));
  const auto dead = [](const Task* task) {
    return task == nullptr || (task->record.flags & proto::kTaskExiting) != 0;
  };
  if (!dead(parent) && !dead(child)) {
    ForkChildRules(now, *parent, *child, begin, since, findings).Check();
  }
}

}  // namespace fv::oracle
