// SPDX-License-Identifier: Apache-2.0
//
// I19: a task that has just become another program (execve(2), "Effect on process attributes").
#include <csignal>
#include <set>
#include <string>

#include "src/inspect/list_walk.h"
#include "src/inspect/render.h"
#include "src/inspect/structures.h"
#include "src/oracle/lifecycle.h"

namespace fv::oracle {

using inspect::Hex;

namespace {

// No mapping of the new address space is akin to one of another.
template <typename Add>
void CheckMappings(const Moment& now, proto::GuestPtr mm, Add add) {
  const int32_t own = now.mms.Find(mm);
  if (own < 0) {
    return;  // I9
  }
  std::set<proto::GuestPtr> elsewhere;
  for (const auto& state : now.mms.slots()) {
    if (state == nullptr || state->mm.address == mm) {
      continue;
    }
    for (const inspect::Vma& vma : state->mm.vmas) {
      elsewhere.insert(vma.record.lineage);
    }
  }
  for (const inspect::Vma& vma : now.mms.slots()[own]->mm.vmas) {
    if (vma.record.lineage != 0 && elsewhere.count(vma.record.lineage) != 0) {
      add("the mapping " + Hex(vma.record.start) + " to " + Hex(vma.record.end) +
          " shares its private pages with another address space");
    }
  }
}

}  // namespace

void CheckExec(const Moment& now, const proto::EventRecord& exec, Findings& findings) {
  const inspect::Task* task = FindTask(now.processes.tasks, exec.pid);
  if (task == nullptr || (task->record.flags & proto::kTaskExiting) != 0) {
    return;
  }
  const proto::TaskRecord& record = task->record;
  const auto add = [&](std::string sentence) {
    Finding& finding = findings.Add(Rule::kExecFresh, std::move(sentence));
    finding.pid = record.pid;
    finding.comm = inspect::CommText(record);
    finding.address = task->address;
  };
  if (record.mm != exec.d) {
    add("its address space is " + Hex(record.mm) + ", the program was loaded into " + Hex(exec.d));
  }
  if (record.clear_child_tid != 0 || record.robust_list != 0 || record.vfork_done != 0) {
    add("it keeps the address for its tid " + Hex(record.clear_child_tid) + ", the robust list " +
        Hex(record.robust_list) + ", the vfork of " + Hex(record.vfork_done));
  }
  if (record.exit_signal != SIGCHLD || record.pid != record.tgid) {
    add("its exit signal is " + std::to_string(record.exit_signal) + ", its thread group " +
        std::to_string(record.tgid));
  }
  CheckMappings(now, record.mm, add);
  const inspect::ProcessTables& tables = now.processes.tables;
  for (const inspect::FdTable& table : tables.fd_tables) {
    for (const inspect::FdSlot& slot : table.slots) {
      if (table.address == record.files && slot.close_on_exec) {
        add("descriptor " + std::to_string(slot.fd) + " was to be closed and is open");
      }
    }
    if (table.address == record.files && table.users != 1) {
      add("its descriptors are shared by " + std::to_string(table.users) + " tasks");
    }
  }
  for (const inspect::SignalGroup& group : tables.groups) {
    if (group.address == record.signal && (group.record.refs != 1 || !group.timers.empty())) {
      add("its group has " + std::to_string(group.record.refs) + " tasks and " +
          std::to_string(group.timers.size()) + " POSIX timers");
    }
  }
  proto::SighandRecord handlers;
  if (!inspect::ReadHandlers(now.memory, record.sighand, handlers)) {
    return;  // I15
  }
  for (unsigned i = 0; i < proto::kSignals; ++i) {
    if (handlers.action[i].handler > 1) {
      add("signal " + std::to_string(i + 1) + " has the handler " +
          Hex(handlers.action[i].handler) + " of the program before");
      break;
    }
  }
}

}  // namespace fv::oracle
