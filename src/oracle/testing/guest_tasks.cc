// SPDX-License-Identifier: Apache-2.0
//
// What a kernel does to tasks, on the synthetic guest, and how it tells of what it does.
#include <cstddef>
#include <utility>

#include "src/oracle/testing/guest_builder.h"

namespace fv::oracle::testing {

using proto::DirectMap;
using proto::kPageBytes;
using proto::kPageShift;
using proto::Link;
using proto::MmRecord;
using proto::PhysOfDirectMap;
using proto::PidNamespaceRecord;
using proto::TaskRecord;

void GuestBuilder::Tell(proto::EventKind kind, uint64_t a, uint64_t b, uint64_t c, uint64_t d,
                        uint64_t e) {
  events_.push_back({told_++, 0, kind, 0, 0, a, b, c, d, e});
}

std::vector<proto::EventRecord> GuestBuilder::TakeEvents() { return std::exchange(events_, {}); }

GuestPtr GuestBuilder::NewTask(uint32_t pid, GuestPtr mm, GuestPtr space) {
  const GuestPtr address = AllocateObject("task_struct");
  const GuestPtr stack = DirectMap(AllocateStack(address) << kPageShift);
  auto* task = Ptr<TaskRecord>(address);
  task->magic = proto::kTaskMagic;
  task->pid = pid;
  task->mm = mm;
  task->stack = stack;
  task->usage = 2;
  const GuestPtr children = address + offsetof(TaskRecord, children);
  task->children = {children, children};
  ListAdd(header().tasks, address + offsetof(TaskRecord, tasks));
  const uint64_t bucket = pid & (header().pid_buckets - 1);
  ListAdd(header().pid_hash + bucket * sizeof(Link), address + offsetof(TaskRecord, pid_hash));
  ++header().task_count;
  const GuestPtr id = NewPid(pid, space);
  Ptr<TaskRecord>(address)->id = id;
  Ptr<proto::PidRecord>(id)->task = address;
  return address;
}

GuestPtr GuestBuilder::AddTask(uint32_t pid, GuestPtr parent, GuestPtr mm, GuestPtr space) {
  if (space == 0) {
    space = parent == 0 ? initial_space_ : PidSpaceOf(Peek<TaskRecord>(parent).id);
  }
  const GuestPtr address = NewTask(pid, mm, space);
  auto* task = Ptr<TaskRecord>(address);
  task->tgid = pid;
  task->leader = address;
  const GuestPtr ring = address + offsetof(TaskRecord, group);
  task->group = {ring, ring};
  task->parent = parent;
  std::strncpy(task->comm, "task", sizeof(task->comm));
  GuestPtr group = task->id;
  GuestPtr session = task->id;
  if (parent != 0) {
    ListAdd(parent + offsetof(TaskRecord, children), address + offsetof(TaskRecord, sibling));
    group = FindPid(Peek<TaskRecord>(parent).pgid);
    session = FindPid(Peek<TaskRecord>(parent).sid);
  }
  JoinChains(address, group, session);
  AddShares(address, parent);
  if (Peek<PidNamespaceRecord>(space).reaper == 0) {
    Ptr<PidNamespaceRecord>(space)->reaper = address;
  }
  return address;
}

GuestPtr GuestBuilder::AddThread(uint32_t pid, GuestPtr leader) {
  const TaskRecord lead = Peek<TaskRecord>(leader);
  const GuestPtr address = NewTask(pid, lead.mm, PidSpaceOf(lead.id));
  auto* task = Ptr<TaskRecord>(address);
  task->tgid = lead.tgid;
  task->leader = leader;
  task->parent = lead.parent;
  task->pgid = lead.pgid;
  task->sid = lead.sid;
  ListAdd(leader + offsetof(TaskRecord, group), address + offsetof(TaskRecord, group));
  ShareAll(address, leader);
  if (lead.mm != 0) {
    ++Ptr<MmRecord>(lead.mm)->users;
  }
  return address;
}

void GuestBuilder::RemoveTask(GuestPtr address) {
  const TaskRecord task = Peek<TaskRecord>(address);
  if (task.mm != 0 && --Ptr<MmRecord>(task.mm)->users == 0) {
    RemoveMm(task.mm);
  }
  for (const GuestPtr child :
       List(address + offsetof(TaskRecord, children), offsetof(TaskRecord, sibling))) {
    ListRemove(child + offsetof(TaskRecord, sibling));
    ListAdd(init_ + offsetof(TaskRecord, children), child + offsetof(TaskRecord, sibling));
    Ptr<TaskRecord>(child)->parent = init_;
  }
  DropShares(address);
  for (const uint64_t link :
       {offsetof(TaskRecord, tasks), offsetof(TaskRecord, pid_hash), offsetof(TaskRecord, group)}) {
    ListRemove(address + link);
  }
  if (task.sibling.next != 0) {
    ListRemove(address + offsetof(TaskRecord, sibling));
  }
  for (uint64_t i = 0; i < proto::kKernelStackBytes / kPageBytes; ++i) {
    FreeFrame((PhysOfDirectMap(task.stack) >> kPageShift) + i);
  }
  auto* cpu = Ptr<proto::CpuRecord>(header().cpus);
  if (cpu->current == address) {
    cpu->current = init_;
  }
  --header().task_count;
  if (task.leader == address) {
    LeaveChains(address);
  }
  Ptr<proto::PidRecord>(task.id)->task = 0;
  if (Peek<PidNamespaceRecord>(PidSpaceOf(task.id)).reaper == address) {
    Ptr<PidNamespaceRecord>(PidSpaceOf(task.id))->reaper = 0;
  }
  ReleasePidIfUnused(task.id);
  FreeObject("task_struct", address);
}

GuestPtr GuestBuilder::Fork(GuestPtr parent_task, uint32_t pid) {
  const GuestPtr mm = Peek<TaskRecord>(parent_task).mm;
  ++header().total_forks;
  return AddTask(pid, parent_task, mm == 0 ? 0 : ForkMm(mm));
}

}  // namespace fv::oracle::testing
