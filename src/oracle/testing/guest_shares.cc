// SPDX-License-Identifier: Apache-2.0
//
// What tasks of the synthetic guest own and share besides memory.
#include <cstddef>

#include "proto/process_records.h"
#include "src/oracle/testing/guest_builder.h"

namespace fv::oracle::testing {

using proto::CredentialsRecord;
using proto::FdTableRecord;
using proto::FileRecord;
using proto::FsRecord;
using proto::PendingRecord;
using proto::SighandRecord;
using proto::SignalEntryRecord;
using proto::SignalRecord;
using proto::TaskRecord;
using proto::UserRecord;

namespace {

constexpr unsigned kFutexBuckets = 16;

// A task's own: in its slab object, after the record.
constexpr uint64_t kPendingAt = sizeof(TaskRecord);
constexpr uint64_t kSleepTimerAt = kPendingAt + sizeof(PendingRecord);
// A group's, after its record.
constexpr uint64_t kSharedPendingAt = sizeof(SignalRecord);
constexpr uint64_t kChildExitAt = kSharedPendingAt + sizeof(PendingRecord);
constexpr uint64_t kExecWaitAt = kChildExitAt + sizeof(proto::Link);
constexpr uint64_t kRealTimerAt = kExecWaitAt + sizeof(proto::Link);

}  // namespace

uint32_t GuestBuilder::TaskObjectBytes() {
  return static_cast<uint32_t>(kSleepTimerAt + sizeof(proto::TimerRecord));
}

void GuestBuilder::InitLink(GuestPtr head) { *Ptr<proto::Link>(head) = {head, head}; }

void GuestBuilder::BootShares() {
  for (GuestPtr* head :
       {&header().users, &header().open_files, &header().fd_tables, &header().fs_contexts}) {
    *head = AllocateStatic(sizeof(proto::Link));
    InitLink(*head);
  }
  header().timers = AllocateStatic(sizeof(GuestPtr));
  header().futex_buckets = AllocateStatic(kFutexBuckets * sizeof(proto::Link));
  header().futex_bucket_count = kFutexBuckets;
  for (unsigned i = 0; i < kFutexBuckets; ++i) {
    InitLink(header().futex_buckets + i * sizeof(proto::Link));
  }
  AddCache("sighand_cache", sizeof(SighandRecord));
  AddCache("signal_cache", kRealTimerAt + sizeof(proto::TimerRecord));
  AddCache("sigqueue", sizeof(SignalEntryRecord));
  AddCache("posix_timers_cache", sizeof(proto::PosixTimerRecord));
  AddCache("cred_jar", sizeof(CredentialsRecord));
  AddCache("user_struct", sizeof(UserRecord));
  AddCache("files", sizeof(FdTableRecord));
  AddCache("filp", sizeof(FileRecord) + proto::kFileRecordOffset);
  AddCache("fs", sizeof(FsRecord));
}

GuestPtr GuestBuilder::AddUser(uint32_t uid) {
  const GuestPtr user = AllocateObject("user_struct");
  Ptr<UserRecord>(user)->magic = proto::kUserMagic;
  Ptr<UserRecord>(user)->uid = uid;
  ListAdd(header().users, user + offsetof(UserRecord, users));
  return user;
}

GuestPtr GuestBuilder::AddFile() {
  const GuestPtr file = AllocateObject("filp");
  auto* record = Ptr<FileRecord>(file + proto::kFileRecordOffset);
  record->magic = proto::kFileMagic;
  ListAdd(header().open_files, file + proto::kFileRecordOffset + offsetof(FileRecord, open_files));
  return file;
}

void GuestBuilder::PutFile(GuestPtr file) {
  const GuestPtr record = file + proto::kFileRecordOffset;
  if (--Ptr<FileRecord>(record)->holders == 0) {
    ListRemove(record + offsetof(FileRecord, open_files));
    FreeObject("filp", file);
  }
}

void GuestBuilder::OpenFile(GuestPtr task, uint32_t fd, GuestPtr file) {
  auto* table = Ptr<FdTableRecord>(Peek<TaskRecord>(task).files);
  table->first.used |= uint64_t{1} << fd;
  table->first.slots[fd] = file;
  ++table->open;
  ++Ptr<FileRecord>(file + proto::kFileRecordOffset)->holders;
}

GuestPtr GuestBuilder::QueueSignal(GuestPtr task, int32_t signo) {
  const GuestPtr pending = Peek<TaskRecord>(task).pending_at;
  const GuestPtr user = Peek<CredentialsRecord>(Peek<TaskRecord>(task).credentials).user;
  const GuestPtr entry = AllocateObject("sigqueue");
  *Ptr<SignalEntryRecord>(entry) = {{0, 0}, user, 0, {}, signo, 0};
  ListAdd(pending + offsetof(PendingRecord, queue), entry);
  Ptr<PendingRecord>(pending)->set |= uint64_t{1} << (signo - 1);
  ++Ptr<UserRecord>(user)->signals;
  ++Ptr<UserRecord>(user)->refs;
  return entry;
}

void GuestBuilder::ArmTimer(GuestPtr timer, uint64_t deadline_ns) {
  auto* record = Ptr<proto::TimerRecord>(timer);
  record->deadline_ns = deadline_ns;
  record->armed = 1;
  record->child = *Ptr<GuestPtr>(header().timers);  // the caller arms later ones first
  if (record->child != 0) {
    Ptr<proto::TimerRecord>(record->child)->prev = timer;
  }
  *Ptr<GuestPtr>(header().timers) = timer;
  header().timer_deadline_tsc = deadline_ns;
}

// Copies of the parent's for a process; a kernel's task (`parent` 0) has neither files nor a
// directory.
void GuestBuilder::AddShares(GuestPtr address, GuestPtr parent) {
  const GuestPtr group = AllocateObject("signal_cache");
  auto* signal = Ptr<SignalRecord>(group);
  signal->magic = proto::kSignalMagic;
  signal->shared_pending_at = group + kSharedPendingAt;
  signal->child_exit_at = group + kChildExitAt;
  signal->exec_wait_at = group + kExecWaitAt;
  signal->real_timer_at = group + kRealTimerAt;
  for (const uint64_t head :
       {offsetof(SignalRecord, posix_timers), kSharedPendingAt + offsetof(PendingRecord, queue),
        kChildExitAt, kExecWaitAt}) {
    InitLink(group + head);
  }
  const GuestPtr sighand = AllocateObject("sighand_cache");
  Ptr<SighandRecord>(sighand)->magic = proto::kSighandMagic;
  GuestPtr credentials = parent == 0 ? 0 : Peek<TaskRecord>(parent).credentials;
  if (credentials == 0) {
    credentials = AllocateObject("cred_jar");
    const GuestPtr user = AddUser(0);
    Ptr<CredentialsRecord>(credentials)->magic = proto::kCredentialsMagic;
    Ptr<CredentialsRecord>(credentials)->user = user;
    ++Ptr<UserRecord>(user)->refs;
  }
  GuestPtr files = 0;
  GuestPtr fs = 0;
  if (parent != 0) {
    files = AllocateObject("files");
    auto* table = Ptr<FdTableRecord>(files);
    table->magic = proto::kFdTableMagic;
    table->chunks = 1;
    ListAdd(header().fd_tables, files + offsetof(FdTableRecord, fd_tables));
    fs = AllocateObject("fs");
    Ptr<FsRecord>(fs)->magic = proto::kFsMagic;
    ListAdd(header().fs_contexts, fs + offsetof(FsRecord, fs_contexts));
  }
  ShareWith(address, group, sighand, credentials, files, fs);
  const GuestPtr from = parent == 0 ? 0 : Peek<TaskRecord>(parent).files;
  for (uint32_t fd = 0; from != 0 && fd < proto::kFdChunkSlots; ++fd) {
    if (const uint64_t slot = Peek<FdTableRecord>(from).first.slots[fd]; slot != 0) {
      OpenFile(address, fd, slot);
    }
  }
}

void GuestBuilder::ShareAll(GuestPtr address, GuestPtr leader) {
  const TaskRecord lead = Peek<TaskRecord>(leader);
  ShareWith(address, lead.signal, lead.sighand, lead.credentials, lead.files, lead.fs);
}

void GuestBuilder::ShareWith(GuestPtr address, GuestPtr group, GuestPtr sighand,
                             GuestPtr credentials, GuestPtr files, GuestPtr fs) {
  auto* task = Ptr<TaskRecord>(address);
  task->signal = group;
  task->sighand = sighand;
  task->credentials = credentials;
  task->files = files;
  task->fs = fs;
  task->pending_at = address + kPendingAt;
  task->sleep_timer_at = address + kSleepTimerAt;
  InitLink(address + kPendingAt + offsetof(PendingRecord, queue));
  ++Ptr<SignalRecord>(group)->refs;
  ++Ptr<SignalRecord>(group)->live;
  ++Ptr<SighandRecord>(sighand)->refs;
  ++Ptr<CredentialsRecord>(credentials)->refs;
  ++Ptr<UserRecord>(Peek<CredentialsRecord>(credentials).user)->processes;
  if (files != 0) {
    ++Ptr<FdTableRecord>(files)->users;
    ++Ptr<FsRecord>(fs)->users;
  }
}

void GuestBuilder::DropShares(GuestPtr address) {
  const TaskRecord task = Peek<TaskRecord>(address);
  if (task.files != 0 && --Ptr<FdTableRecord>(task.files)->users == 0) {
    for (const uint64_t slot : Peek<FdTableRecord>(task.files).first.slots) {
      if (slot != 0) {
        PutFile(slot);
      }
    }
    ListRemove(task.files + offsetof(FdTableRecord, fd_tables));
    FreeObject("files", task.files);
  }
  if (task.fs != 0 && --Ptr<FsRecord>(task.fs)->users == 0) {
    ListRemove(task.fs + offsetof(FsRecord, fs_contexts));
    FreeObject("fs", task.fs);
  }
  --Ptr<SignalRecord>(task.signal)->live;
  if (--Ptr<SignalRecord>(task.signal)->refs == 0) {
    FreeObject("signal_cache", task.signal);
  }
  if (--Ptr<SighandRecord>(task.sighand)->refs == 0) {
    FreeObject("sighand_cache", task.sighand);
  }
  const GuestPtr user = Peek<CredentialsRecord>(task.credentials).user;
  --Ptr<UserRecord>(user)->processes;
  if (--Ptr<CredentialsRecord>(task.credentials)->refs == 0) {
    --Ptr<UserRecord>(user)->refs;
    FreeObject("cred_jar", task.credentials);
  }
}

}  // namespace fv::oracle::testing
