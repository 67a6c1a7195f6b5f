// SPDX-License-Identifier: Apache-2.0
//
// System V message queues (msgop(2)). A message goes to the first waiting receiver that wants its
// type; senders wait for room in order of arrival.
//
// Invariants: no waiting receiver wants a queued message; bytes and count are those of the list.
// Locking: the queue's (msg_perm.lock); one vCPU needs none.
#pragma once

#include <cstdint>

#include "guest/ipc/message.h"
#include "guest/ipc/sysv_ids.h"
#include "guest/lib/blocking.h"
#include "guest/lib/wait_queue.h"

namespace fv::guest {

class Task;

// Which messages msgrcv(2) takes.
enum class MsgMatch { kAny, kEqual, kNotEqual, kLessEqual };
struct MsgWanted {
  MsgMatch match;
  int64_t type;
  uint64_t capacity;  // bytes
  bool truncate;      // MSG_NOERROR
};

struct MsgReceiver {
  proto::Link link{0, 0};
  MsgWanted wanted;
  uint32_t pid = 0;
  Message* message = nullptr;
  bool finished = false;
  int error = 0;  // when finished without a message
  WaitQueue wakeup;
};

struct MsgSender {
  proto::Link link{0, 0};
  bool finished = false;
  bool removed = false;
  WaitQueue wakeup;
};

struct MsgQueue : IpcObject {
  MessageList messages;
  List<MsgReceiver, &MsgReceiver::link> receivers;
  List<MsgSender, &MsgSender::link> senders;
  uint64_t bytes = 0, count = 0, max_bytes = kMsgMnb;
  int64_t send_time = 0, receive_time = 0;  // seconds
  uint32_t last_sender = 0, last_receiver = 0;
};

IpcTable& MsgTable();
// Errors: ENOMEM, ENOSPC.
Result<int> MakeMsgQueue(Task& task, int key, uint32_t flags);
// Who waits gets EIDRM; the messages go.
void RemoveMsgQueue(MsgQueue& queue);
// IPC_SET changed permissions or the limit: who waits looks again.
void MsgQueueChanged(MsgQueue& queue);

// Takes `message` over unless it fails. Errors: EACCES, EAGAIN (full, without waiting), EIDRM,
// kErestartNoHand.
Status SendMsg(Task& task, MsgQueue& queue, Message* message, Blocking blocking);
// The message is the caller's. Errors: E2BIG, EACCES, EIDRM, ENOMSG (without waiting),
// kErestartNoHand.
Result<Message*> ReceiveMsg(Task& task, MsgQueue& queue, const MsgWanted& wanted,
                            Blocking blocking);

}  // namespace fv::guest
