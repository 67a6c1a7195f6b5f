// SPDX-License-Identifier: Apache-2.0
//
// A queue: its messages and who waits for them; and open files of it.
#include "guest/ipc/mqueue.h"

#include <linux/poll.h>

#include "guest/fs/dentry.h"
#include "guest/fs/object.h"
#include "guest/fs/poll.h"
#include "guest/ipc/mqueue_inode.h"
#include "guest/lib/print.h"
#include "guest/task/cred.h"
#include "guest/task/pid.h"
#include "guest/task/priority.h"
#include "guest/task/sched.h"
#include "guest/task/task.h"

namespace fv::guest {
namespace {

constexpr uint64_t kMqueueMagic = 0x19800202;
constexpr int kSiMesgq = -3;
constexpr uint64_t kFileBytes = 80;  // st_size of a queue (FILENT_SIZE)

constinit Superblock g_superblock{"mqueue", "mqueue", "rw", kMqueueMagic, 16, 17, 1, false};
constinit uint32_t g_queues = 0;

// A task that waits to send or to receive, on its stack.
struct MqWaiter {
  proto::Link link{0, 0};
  int priority = 0;
  Message* message = nullptr;  // to be sent, or what was received
  bool served = false;
  WaitQueue wakeup;
};
using MqWaiters = List<MqWaiter, &MqWaiter::link>;

void Serve(MqWaiter& waiter) {
  Unlink(waiter.link);
  waiter.served = true;
  waiter.wakeup.WakeAll();
}

// By scheduling priority, then by arrival. Errors: ETIMEDOUT, kErestartSys.
Status WaitToBeServed(MqWaiters& waiters, MqWaiter& waiter, uint64_t deadline_ns) {
  waiter.priority = Priority(*CurrentTask());
  MqWaiter* before = waiters.back();
  while (before != nullptr && before->priority > waiter.priority) {
    before = waiters.Prev(*before);
  }
  before == nullptr ? waiters.PushFront(waiter) : waiters.InsertAfter(*before, waiter);
  const Status waited = WaitUntil(waiter.wakeup, deadline_ns, [&waiter] { return waiter.served; });
  Unlink(waiter.link);
  return waited;
}

class MqueueInode final : public Inode, public Mqueue {
 public:
  MqueueInode(uint32_t mode, int64_t max_messages, int64_t message_bytes, UserAccount& user,
              uint64_t charged)
      : Inode(g_superblock, mode),
        max_messages_(max_messages),
        message_bytes_(message_bytes),
        user_(user),
        charged_(charged) {
    GetUser(user);
    user.mqueue_bytes += charged;
    ++g_queues;
  }
  ~MqueueInode() {
    FreeMessages(messages_);
    user_.mqueue_bytes -= charged_;
    PutUser(&user_);
    --g_queues;
  }
  uint64_t size() const override { return kFileBytes; }
  Result<Ref<File>> Open(Ref<Dentry> dentry, uint32_t flags) override;

  Status Send(Message* message, Blocking blocking, uint64_t deadline_ns) override;
  Result<Message*> Receive(Blocking blocking, uint64_t deadline_ns) override;
  MqAttributes attributes() const override {
    return {0, max_messages_, message_bytes_, static_cast<int64_t>(count_), {}};
  }
  Status Notify(const MqNotification* notification) override;
  // A descriptor of the queue is closed: its process is not told any more.
  void ForgetOwner(uint32_t tgid) { owner_ = owner_ == tgid ? 0 : owner_; }
  uint32_t Poll(PollTable* table);
  size_t FormatState(char* out, size_t capacity) const;

 private:
  void Destroy() override { DestroyObject(this); }
  bool full() const { return count_ >= static_cast<uint64_t>(max_messages_); }
  void Insert(Message& message);
  void TellOwner();
  void Touch() {
    TouchAccess();
    TouchModify();
  }

  int64_t max_messages_;
  int64_t message_bytes_;
  UserAccount& user_;
  uint64_t charged_;  // of RLIMIT_MSGQUEUE
  uint64_t count_ = 0;
  uint64_t queued_bytes_ = 0;
  MessageList messages_;
  MqWaiters senders_, receivers_;
  WaitQueue changed_;   // pollers
  uint32_t owner_ = 0;  // process that mq_notify registered
  MqNotification notification_{};
};

void MqueueInode::Insert(Message& message) {
  Message* before = messages_.back();
  while (before != nullptr && before->type < message.type) {
    before = messages_.Prev(*before);
  }
  before == nullptr ? messages_.PushFront(message) : messages_.InsertAfter(*before, message);
  ++count_;
  queued_bytes_ += message.bytes;
}

void MqueueInode::TellOwner() {
  if (owner_ == 0 || count_ != 1) {
    return;
  }
  Task* owner = FindProcess(owner_);
  owner_ = 0;
  if (owner == nullptr || notification_.silent || notification_.signo == 0) {
    return;
  }
  SigInfo info = UserSignal(notification_.signo, *CurrentTask());
  info.code = kSiMesgq;
  info.sender.pid = static_cast<int32_t>(TgidIn(*CurrentTask(), ActivePidNamespace(*owner)));
  info.sender.value = notification_.value;
  (void)SendSignal(*owner, info).ok();
}

Status MqueueInode::Send(Message* message, Blocking blocking, uint64_t deadline_ns) {
  if (full()) {
    if (blocking == Blocking::kNo) {
      return Error(EAGAIN);
    }
    MqWaiter waiter;
    waiter.message = message;
    return WaitToBeServed(senders_, waiter, deadline_ns);
  }
  if (MqWaiter* receiver = receivers_.front(); receiver != nullptr) {
    receiver->message = message;
    Serve(*receiver);
  } else {
    Insert(*message);
    TellOwner();
    changed_.WakeAll();
  }
  Touch();
  return Ok();
}

Result<Message*> MqueueInode::Receive(Blocking blocking, uint64_t deadline_ns) {
  Message* message = messages_.front();
  if (message == nullptr) {
    if (blocking == Blocking::kNo) {
      return Error(EAGAIN);
    }
    MqWaiter waiter;
    TRY(WaitToBeServed(receivers_, waiter, deadline_ns));
    return waiter.message;
  }
  MessageList::Remove(*message);
  --count_;
  queued_bytes_ -= message->bytes;
  if (MqWaiter* sender = senders_.front(); sender != nullptr) {
    Insert(*sender->message);
    Serve(*sender);
  }
  changed_.WakeAll();
  Touch();
  return message;
}

Status MqueueInode::Notify(const MqNotification* notification) {
  const uint32_t self = CurrentTask()->tgid;
  if (notification == nullptr) {
    ForgetOwner(self);
    return Ok();
  }
  if (owner_ != 0) {
    return Error(EBUSY);
  }
  owner_ = self;
  notification_ = *notification;
  return Ok();
}

uint32_t MqueueInode::Poll(PollTable* table) {
  if (table != nullptr) {
    table->Wait(changed_);
  }
  return (count_ > 0 ? POLLIN | POLLRDNORM : 0u) | (full() ? 0u : POLLOUT | POLLWRNORM);
}

size_t MqueueInode::FormatState(char* out, size_t capacity) const {
  const bool signals = owner_ != 0 && !notification_.silent;
  return Format(out, capacity, "QSIZE:%-10lu NOTIFY:%-5d SIGNO:%-5d NOTIFY_PID:%-6u\n",
                queued_bytes_, owner_ != 0 && notification_.silent ? 1 : 0,
                signals ? notification_.signo : 0, owner_);
}

// ---- Open descriptions -------------------------------------------------------------------------

class MqueueFile final : public File {
 public:
  MqueueFile(Ref<Dentry> dentry, uint32_t flags) : File(std::move(dentry), flags) {}
  MqueueInode& queue() const { return static_cast<MqueueInode&>(inode()); }
  // The queue's state as text, as in a mounted mqueue file system.
  Result<uint64_t> Read(IoBuffer& to, uint64_t& position) override {
    char text[kFileBytes];
    const size_t length = queue().FormatState(text, sizeof(text));
    if (position >= length) {
      return uint64_t{0};
    }
    to.CopyOut(text + position, length - position);
    position += to.done();
    return to.Outcome();
  }
  uint32_t Poll(PollTable* table) override { return queue().Poll(table); }
  bool IsMqueue() const override { return true; }
  void OnDescriptorClose() override { queue().ForgetOwner(CurrentTask()->tgid); }

 private:
  void Destroy() override { DestroyObject(this); }
};

Result<Ref<File>> MqueueInode::Open(Ref<Dentry> dentry, uint32_t flags) {
  MqueueFile* file = MakeObject<MqueueFile>(std::move(dentry), flags);
  return file == nullptr ? Result<Ref<File>>(Error(ENOMEM)) : Ref<File>::Adopt(file);
}

}  // namespace

Mqueue* MqueueOf(File& file) {
  return file.IsMqueue() ? &static_cast<MqueueFile&>(file).queue() : nullptr;
}

Result<Ref<Inode>> MakeMqueueInode(uint32_t mode, int64_t max_messages, int64_t message_bytes,
                                   UserAccount& user, uint64_t charged) {
  MqueueInode* made = MakeObject<MqueueInode>(mode, max_messages, message_bytes, user, charged);
  return made == nullptr ? Result<Ref<Inode>>(Error(ENOMEM)) : Ref<Inode>::Adopt(made);
}

Superblock& MqueueSuperblock() { return g_superblock; }
uint32_t MqueueCount() { return g_queues; }

}  // namespace fv::guest
