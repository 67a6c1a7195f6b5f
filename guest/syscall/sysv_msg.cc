// SPDX-License-Identifier: Apache-2.0
//
// msgget(2), msgsnd(2), msgrcv(2), msgctl(2).
#include "guest/ipc/sysv_msg.h"

#include <linux/capability.h>

#include "guest/lib/scope_guard.h"
#include "guest/mm/user_copy.h"
#include "guest/syscall/syscall.h"
#include "guest/task/task.h"

namespace fv::guest::sys {
namespace {

Result<MsgQueue*> FindQueue(int id) { return FindIpc<MsgQueue>(MsgTable(), id); }

MsgStatAbi StatOf(const MsgQueue& queue) {
  MsgStatAbi stat{};
  stat.perm = queue.Perm();
  stat.stime = queue.send_time;
  stat.rtime = queue.receive_time;
  stat.ctime = queue.ctime;
  stat.bytes = queue.bytes;
  stat.messages = queue.count;
  stat.max_bytes = queue.max_bytes;
  stat.lspid = queue.last_sender;
  stat.lrpid = queue.last_receiver;
  return stat;
}

// IPC_INFO and MSG_INFO.
Result<uint64_t> Info(const SyscallArgs& args, int command) {
  // Linux's own figures for what it does not have (<linux/msg.h>).
  constexpr int kSegmentBytes = 16;
  constexpr int kPoolKilobytes = kMsgMni * (kMsgMnb / 1024);
  MsgInfoAbi info{kPoolKilobytes, kMsgMnb,       kMsgMax, kMsgMnb,
                  kMsgMni,        kSegmentBytes, kMsgMnb, 0xffff};
  if (command == kMsgInfo) {
    info.pool = MsgTable().used();
    info.map = info.tql = 0;
    for (int i = MsgTable().highest(); i >= 0; --i) {
      const auto* queue = static_cast<MsgQueue*>(MsgTable().At(i));
      info.map += queue == nullptr ? 0 : static_cast<int32_t>(queue->count);
      info.tql += queue == nullptr ? 0 : static_cast<int32_t>(queue->bytes);
    }
  }
  TRY(WriteUser(*args.task.mm(), args.a[2], info));
  const int highest = MsgTable().highest();
  return static_cast<uint64_t>(highest < 0 ? 0 : highest);
}

// IPC_STAT, MSG_STAT and MSG_STAT_ANY; the latter two take an index and give the identifier.
Result<uint64_t> Stat(const SyscallArgs& args, int id, int command) {
  const MsgQueue* queue =
      TRY(FindIpcToStat<MsgQueue>(MsgTable(), id, command, kMsgStatAny, args.task.cred()));
  TRY(WriteUser(*args.task.mm(), args.a[2], StatOf(*queue)));
  return static_cast<uint64_t>(command == kIpcStat ? 0 : queue->id);
}

// IPC_SET and IPC_RMID.
Result<uint64_t> Change(const SyscallArgs& args, int command) {
  MsgStatAbi wanted{};
  if (command == kIpcSet) {
    wanted = TRY(ReadUser<MsgStatAbi>(*args.task.mm(), args.a[2]));
  }
  MsgQueue* queue = TRY(FindQueue(args.Int(0)));
  TRY(CheckIpcOwner(*queue, args.task.cred()));
  if (command == kIpcRmid) {
    RemoveMsgQueue(*queue);
    return uint64_t{0};
  }
  if (wanted.max_bytes > kMsgMnb && !args.task.Capable(CAP_SYS_RESOURCE)) {
    return Error(EPERM);
  }
  queue->max_bytes = wanted.max_bytes;
  SetIpcPerm(*queue, wanted.perm);
  MsgQueueChanged(*queue);
  return uint64_t{0};
}

MsgWanted WantedOf(int64_t type, int flags, uint64_t capacity) {
  const bool truncate = (flags & kMsgNoError) != 0;
  if (type == 0) {
    return {MsgMatch::kAny, 0, capacity, truncate};
  }
  if (type < 0) {
    const int64_t highest = type == INT64_MIN ? INT64_MAX : -type;
    return {MsgMatch::kLessEqual, highest, capacity, truncate};
  }
  const bool except = (flags & kMsgExcept) != 0;
  return {except ? MsgMatch::kNotEqual : MsgMatch::kEqual, type, capacity, truncate};
}

}  // namespace

// msgget(key, flags)
Result<uint64_t> msgget(const SyscallArgs& args) {
  const int key = args.Int(0);
  const uint32_t flags = args.Uint(1);
  auto make = [&] { return MakeMsgQueue(args.task, key, flags); };
  auto fits = [](const IpcObject&) { return Ok(); };
  return GetIpc(MsgTable(), key, flags, args.task.cred(), make, fits);
}

// msgsnd(id, message, bytes, flags): the message begins with its type.
Result<uint64_t> msgsnd(const SyscallArgs& args) {
  Mm& mm = *args.task.mm();
  const int64_t type = TRY(ReadUser<int64_t>(mm, args.a[1]));
  if (args.a[2] > kMsgMax || args.Int(0) < 0 || type < 1) {
    return Error(EINVAL);
  }
  Message* message = TRY(Message::FromUser(mm, args.a[1] + sizeof(int64_t), args.a[2], type));
  ScopeGuard free([message] { Message::Free(message); });
  MsgQueue* queue = TRY(FindQueue(args.Int(0)));
  TRY(SendMsg(args.task, *queue, message, BlockingUnless((args.Uint(3) & kIpcNoWait) != 0)));
  free.Dismiss();
  return uint64_t{0};
}

// msgrcv(id, message, bytes, type, flags)
Result<uint64_t> msgrcv(const SyscallArgs& args) {
  Mm& mm = *args.task.mm();
  const int flags = args.Int(4);
  const Blocking blocking = BlockingUnless((args.Uint(4) & kIpcNoWait) != 0);
  if (args.Int(0) < 0 || static_cast<int64_t>(args.a[2]) < 0) {
    return Error(EINVAL);
  }
  if ((flags & kMsgCopy) != 0) {
    // Needs a kernel with CONFIG_CHECKPOINT_RESTORE.
    return Error((flags & kMsgExcept) != 0 || blocking == Blocking::kYes ? EINVAL : ENOSYS);
  }
  MsgQueue* queue = TRY(FindQueue(args.Int(0)));
  const MsgWanted wanted = WantedOf(static_cast<int64_t>(args.a[3]), flags, args.a[2]);
  Message* message = TRY(ReceiveMsg(args.task, *queue, wanted, blocking));
  ScopeGuard free([message] { Message::Free(message); });
  const size_t bytes = message->bytes < args.a[2] ? message->bytes : args.a[2];
  TRY(WriteUser(mm, args.a[1], message->type));
  TRY(CopyToUser(mm, args.a[1] + sizeof(int64_t), message->data(), bytes));
  return uint64_t{bytes};
}

// msgctl(id, command, argument)
Result<uint64_t> msgctl(const SyscallArgs& args) {
  const int id = args.Int(0);
  const int command = args.Int(1);
  if (id < 0 || command < 0) {
    return Error(EINVAL);
  }
  switch (command) {
    case kIpcInfo:
    case kMsgInfo:
      return Info(args, command);
    case kIpcStat:
    case kMsgStat:
    case kMsgStatAny:
      return Stat(args, id, command);
    case kIpcSet:
    case kIpcRmid:
      return Change(args, command);
    default:
      return Error(EINVAL);
  }
}

}  // namespace fv::guest::sys
