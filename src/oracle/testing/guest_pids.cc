// SPDX-License-Identifier: Apache-2.0
//
// What a kernel does to process ids and pid namespaces, on the synthetic guest.
#include <cstddef>

#include "src/oracle/testing/guest_builder.h"

namespace fv::oracle::testing {

using proto::Link;
using proto::PidNamespaceRecord;
using proto::PidNumberRecord;
using proto::PidRecord;
using proto::TaskRecord;

GuestPtr GuestBuilder::PidNumberAt(GuestPtr pid, uint32_t level) const {
  return level == 0 ? pid + offsetof(PidRecord, root)
                    : Peek<PidRecord>(pid).deeper + (level - 1) * sizeof(PidNumberRecord);
}

GuestPtr GuestBuilder::PidSpaceOf(GuestPtr pid) const {
  return Peek<PidNumberRecord>(PidNumberAt(pid, Peek<PidRecord>(pid).level)).space;
}

GuestPtr GuestBuilder::FindPid(uint64_t number) const {
  for (const GuestPtr pid : List(Peek<proto::ChannelHeader>(proto::DirectMap(kTestChannelGpa)).pids,
                                 offsetof(PidRecord, pids))) {
    const PidRecord& record = Peek<PidRecord>(pid);
    if (record.root.number == number && record.root.hash.next != 0) {
      return pid;
    }
  }
  return 0;
}

GuestPtr GuestBuilder::AddPidSpace(GuestPtr parent) {
  const GuestPtr address = AllocateObject("pid_namespace");
  auto* space = Ptr<PidNamespaceRecord>(address);
  space->magic = proto::kPidNamespaceMagic;
  space->refs = 1;
  space->inode = static_cast<uint32_t>(address >> 4);
  space->parent = parent;
  if (parent != 0) {
    ++Ptr<PidNamespaceRecord>(parent)->refs;
    space->level = Peek<PidNamespaceRecord>(parent).level + 1;
  }
  ListAdd(header().pid_namespaces, address + offsetof(PidNamespaceRecord, spaces));
  return address;
}

// `number` in the initial namespace; the first below it is 1, the others have the same there too.
GuestPtr GuestBuilder::NewPid(uint32_t number, GuestPtr space) {
  const GuestPtr address = AllocateObject("pid");
  auto* pid = Ptr<PidRecord>(address);
  pid->magic = proto::kPidMagic;
  pid->refs = 1;
  pid->level = Peek<PidNamespaceRecord>(space).level;
  pid->deeper = pid->level == 0 ? 0 : AllocateObject("pid_numbers");
  for (const uint64_t head : {offsetof(PidRecord, group), offsetof(PidRecord, session)}) {
    *Ptr<Link>(address + head) = {address + head, address + head};
  }
  ListAdd(header().pids, address + offsetof(PidRecord, pids));
  ++Ptr<PidNamespaceRecord>(space)->refs;
  GuestPtr at = space;
  for (uint32_t level = pid->level + 1; level-- > 0;) {
    auto* record = Ptr<PidNamespaceRecord>(at);
    const uint32_t value = level > 0 && record->reaper == 0 ? 1 : number;
    const GuestPtr entry = PidNumberAt(address, level);
    *Ptr<PidNumberRecord>(entry) = {{0, 0}, address, at, value};
    const uint64_t bucket =
        proto::PidNumberBucket(value, record->inode, header().pid_number_buckets);
    ListAdd(header().pid_numbers + bucket * sizeof(Link), entry);
    ++record->ids;
    at = record->parent;
  }
  return address;
}

void GuestBuilder::ReleasePidIfUnused(GuestPtr address) {
  const PidRecord pid = Peek<PidRecord>(address);
  if (pid.task != 0 || pid.group.next != address + offsetof(PidRecord, group) ||
      pid.session.next != address + offsetof(PidRecord, session)) {
    return;
  }
  for (uint32_t level = 0; level <= pid.level; ++level) {
    const GuestPtr entry = PidNumberAt(address, level);
    --Ptr<PidNamespaceRecord>(Peek<PidNumberRecord>(entry).space)->ids;
    ListRemove(entry);
  }
  if (--Ptr<PidRecord>(address)->refs > 0) {
    return;
  }
  --Ptr<PidNamespaceRecord>(PidSpaceOf(address))->refs;
  ListRemove(address + offsetof(PidRecord, pids));
  if (pid.deeper != 0) {
    FreeObject("pid_numbers", pid.deeper);
  }
  FreeObject("pid", address);
}

void GuestBuilder::JoinChains(GuestPtr leader, GuestPtr group, GuestPtr session) {
  ListAdd(group + offsetof(PidRecord, group), leader + offsetof(TaskRecord, group_link));
  ListAdd(session + offsetof(PidRecord, session), leader + offsetof(TaskRecord, session_link));
  auto* task = Ptr<TaskRecord>(leader);
  task->pgid = static_cast<uint32_t>(Peek<PidRecord>(group).root.number);
  task->sid = static_cast<uint32_t>(Peek<PidRecord>(session).root.number);
}

void GuestBuilder::LeaveChains(GuestPtr leader) {
  const TaskRecord task = Peek<TaskRecord>(leader);
  const GuestPtr group = FindPid(task.pgid);
  const GuestPtr session = FindPid(task.sid);
  ListRemove(leader + offsetof(TaskRecord, group_link));
  ListRemove(leader + offsetof(TaskRecord, session_link));
  if (group != task.id && group != session) {
    ReleasePidIfUnused(group);
  }
  if (session != task.id) {
    ReleasePidIfUnused(session);
  }
}

void GuestBuilder::LeadSession(GuestPtr leader) {
  LeaveChains(leader);
  const GuestPtr own = Peek<TaskRecord>(leader).id;
  JoinChains(leader, own, own);
}

}  // namespace fv::oracle::testing
