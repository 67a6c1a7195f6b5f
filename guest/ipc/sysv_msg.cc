// SPDX-License-Identifier: Apache-2.0
#include "guest/ipc/sysv_msg.h"

#include "guest/fs/object.h"
#include "guest/lib/scope_guard.h"
#include "guest/task/task.h"

namespace fv::guest {
namespace {

constinit IpcTable g_queues{kMsgMni};

constexpr uint32_t kRead = 0444, kWrite = 0222;

bool Matches(const MsgWanted& wanted, int64_t type) {
  switch (wanted.match) {
    case MsgMatch::kAny:
      return true;
    case MsgMatch::kEqual:
      return type == wanted.type;
    case MsgMatch::kNotEqual:
      return type != wanted.type;
    case MsgMatch::kLessEqual:
      return type <= wanted.type;
  }
  return false;
}

// The oldest that matches; with kLessEqual, of the lowest type.
Message* FindMessage(MsgQueue& queue, const MsgWanted& wanted) {
  Message* found = nullptr;
  for (Message& message : queue.messages) {
    if (!Matches(wanted, message.type) || (found != nullptr && message.type >= found->type)) {
      continue;
    }
    found = &message;
    if (wanted.match != MsgMatch::kLessEqual) {
      break;
    }
  }
  return found;
}

bool HasRoom(const MsgQueue& queue, uint64_t bytes) {
  return queue.bytes + bytes <= queue.max_bytes && queue.count < queue.max_bytes;
}

void FinishReceiver(MsgReceiver& receiver, Message* message, int error) {
  Unlink(receiver.link);
  receiver.message = message;
  receiver.error = error;
  receiver.finished = true;
  receiver.wakeup.WakeAll();
}

// Gives `message` to a receiver that waits for it; those it is too long for get E2BIG.
bool HandOver(MsgQueue& queue, Message* message) {
  for (MsgReceiver* receiver = queue.receivers.front(); receiver != nullptr;) {
    MsgReceiver* next = queue.receivers.Next(*receiver);
    const MsgWanted& wanted = receiver->wanted;
    if (Matches(wanted, message->type)) {
      const bool fits = wanted.truncate || message->bytes <= wanted.capacity;
      if (fits) {
        queue.last_receiver = receiver->pid;
        queue.receive_time = IpcTime();
        FinishReceiver(*receiver, message, 0);
        return true;
      }
      FinishReceiver(*receiver, nullptr, E2BIG);
    }
    receiver = next;
  }
  return false;
}

enum class QueueFate { kStays, kRemoved };
void WakeSenders(MsgQueue& queue, QueueFate fate) {
  while (MsgSender* sender = queue.senders.front()) {
    Unlink(sender->link);
    sender->finished = true;
    sender->removed = fate == QueueFate::kRemoved;
    sender->wakeup.WakeAll();
  }
}

// Until something changed. Errors: EIDRM, kErestartNoHand.
Status WaitForRoom(MsgQueue& queue) {
  MsgSender sender;
  queue.senders.PushBack(sender);
  const Status waited =
      WaitUntil(sender.wakeup, kNoDeadline, [&sender] { return sender.finished; });
  Unlink(sender.link);
  if (sender.removed) {
    return Error(EIDRM);
  }
  return waited.ok() ? Ok() : Status(Error(kErestartNoHand));
}

Result<Message*> WaitForMessage(Task& task, MsgQueue& queue, const MsgWanted& wanted) {
  MsgReceiver receiver;
  receiver.wanted = wanted;
  receiver.pid = task.tgid;
  queue.receivers.PushBack(receiver);
  const Status waited =
      WaitUntil(receiver.wakeup, kNoDeadline, [&receiver] { return receiver.finished; });
  Unlink(receiver.link);
  if (!receiver.finished) {
    return waited.ok() ? Error(EINTR) : Error(kErestartNoHand);
  }
  return receiver.message != nullptr ? Result<Message*>(receiver.message) : Error(receiver.error);
}

}  // namespace

IpcTable& MsgTable() { return g_queues; }

Result<int> MakeMsgQueue(Task& task, int key, uint32_t flags) {
  MsgQueue* queue = MakeObject<MsgQueue>();
  if (queue == nullptr) {
    return Error(ENOMEM);
  }
  ScopeGuard destroy([queue] { DestroyObject(queue); });
  TRY(g_queues.Add(*queue, key, flags, task.cred()));
  destroy.Dismiss();
  return queue->id;
}

void RemoveMsgQueue(MsgQueue& queue) {
  while (MsgReceiver* receiver = queue.receivers.front()) {
    FinishReceiver(*receiver, nullptr, EIDRM);
  }
  WakeSenders(queue, QueueFate::kRemoved);
  FreeMessages(queue.messages);
  g_queues.Remove(queue);
  DestroyObject(&queue);
}

void MsgQueueChanged(MsgQueue& queue) {
  while (MsgReceiver* receiver = queue.receivers.front()) {
    FinishReceiver(*receiver, nullptr, EAGAIN);
  }
  WakeSenders(queue, QueueFate::kStays);
}

Status SendMsg(Task& task, MsgQueue& queue, Message* message, Blocking blocking) {
  for (;;) {
    TRY(CheckIpcAccess(queue, task.cred(), kWrite));
    if (HasRoom(queue, message->bytes)) {
      break;
    }
    if (blocking == Blocking::kNo) {
      return Error(EAGAIN);
    }
    TRY(WaitForRoom(queue));
  }
  queue.last_sender = task.tgid;
  queue.send_time = IpcTime();
  if (!HandOver(queue, message)) {
    queue.messages.PushBack(*message);
    queue.bytes += message->bytes;
    ++queue.count;
  }
  return Ok();
}

Result<Message*> ReceiveMsg(Task& task, MsgQueue& queue, const MsgWanted& wanted,
                            Blocking blocking) {
  for (;;) {
    TRY(CheckIpcAccess(queue, task.cred(), kRead));
    if (Message* message = FindMessage(queue, wanted); message != nullptr) {
      if (message->bytes > wanted.capacity && !wanted.truncate) {
        return Error(E2BIG);
      }
      MessageList::Remove(*message);
      queue.bytes -= message->bytes;
      --queue.count;
      queue.last_receiver = task.tgid;
      queue.receive_time = IpcTime();
      WakeSenders(queue, QueueFate::kStays);
      return message;
    }
    if (blocking == Blocking::kNo) {
      return Error(ENOMSG);
    }
    Result<Message*> got = WaitForMessage(task, queue, wanted);
    if (got.ok() || got.error().number() != EAGAIN) {
      return got;
    }
  }
}

}  // namespace fv::guest
