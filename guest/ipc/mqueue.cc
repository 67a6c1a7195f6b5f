// SPDX-License-Identifier: Apache-2.0
#include "guest/ipc/mqueue.h"

#include <linux/capability.h>
#include <linux/fcntl.h>
#include <linux/poll.h>
#include <linux/resource.h>

#include "guest/fs/object.h"
#include "guest/fs/path.h"
#include "guest/fs/poll.h"
#include "guest/fs/ramfs.h"
#include "guest/lib/print.h"
#include "guest/lib/string.h"
#include "guest/task/cred.h"
#include "guest/task/pid.h"
#include "guest/task/priority.h"
#include "guest/task/sched.h"
#include "guest/task/task.h"

namespace fv::guest {
namespace {

constexpr uint64_t kMqueueMagic = 0x19800202;
constexpr int kSiMesgq = -3;
// What Linux charges a queue for a message's header and for a priority's tree node.
constexpr uint64_t kMessageCost = 48;
constexpr uint64_t kNodeCost = 48;
constexpr uint64_t kFileBytes = 80;  // st_size of a queue (FILENT_SIZE)

constinit Superblock g_superblock{"mqueue", "mqueue", "rw", kMqueueMagic, 16, 17, 1, false};
constinit Dentry* g_names = nullptr;  // made with the first queue, kept
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

// ---- Names and making --------------------------------------------------------------------------

Result<Dentry*> Names() {
  if (g_names == nullptr) {
    Ref<Inode> inode = TRY(MakeRamInode(g_superblock, kTypeDirectory | 01777));
    g_names = TRY(Dentry::Create(nullptr, "/", 1, std::move(inode))).Leak();
  }
  return g_names;
}

// Errors: EACCES ("", ".", "..", a slash in it), ENAMETOOLONG.
Status CheckName(const char* name, size_t length) {
  bool slash = false;
  for (size_t i = 0; i < length; ++i) {
    slash = slash || name[i] == '/';
  }
  if (length == 0 || slash || strcmp(name, ".") == 0 || strcmp(name, "..") == 0) {
    return Error(EACCES);
  }
  return length > kNameMax ? Status(Error(ENAMETOOLONG)) : Ok();
}

Status CheckSize(const Task& task, int64_t max_messages, int64_t message_bytes) {
  const bool privileged = task.Capable(CAP_SYS_RESOURCE);
  if (max_messages <= 0 || message_bytes <= 0 ||
      max_messages > (privileged ? kMqHardMaxMessages : kMqMaxMessages) ||
      message_bytes > (privileged ? kMqHardMessageBytes : kMqMessageBytes)) {
    return Error(EINVAL);
  }
  return Ok();
}

Result<Ref<Dentry>> MakeQueue(Task& task, Dentry& names, const char* name, uint32_t mode,
                              const MqAttributes* wanted) {
  if (g_queues >= kMqQueues && !task.Capable(CAP_SYS_RESOURCE)) {
    return Error(ENOSPC);
  }
  const int64_t max_messages = wanted != nullptr ? wanted->max_messages : kMqMaxMessages;
  const int64_t message_bytes = wanted != nullptr ? wanted->message_bytes : kMqMessageBytes;
  TRY(CheckSize(task, max_messages, message_bytes));
  const auto slots = static_cast<uint64_t>(max_messages);
  const uint64_t nodes = slots < kMqPriorities ? slots : kMqPriorities;
  const uint64_t charge =
      slots * kMessageCost + nodes * kNodeCost + slots * static_cast<uint64_t>(message_bytes);
  UserAccount& user = *task.cred().user;
  if (user.mqueue_bytes + charge > task.rlimit(RLIMIT_MSGQUEUE)) {
    return Error(EMFILE);
  }
  const uint32_t bits = kTypeRegular | (mode & kModePermissions & ~task.fs().mask);
  MqueueInode* made = MakeObject<MqueueInode>(bits, max_messages, message_bytes, user, charge);
  if (made == nullptr) {
    return Error(ENOMEM);
  }
  made->uid = task.cred().fsuid;
  made->gid = task.cred().fsgid;
  Ref<Dentry> dentry =
      TRY(Dentry::Create(Ref<Dentry>(names), name, strlen(name), Ref<Inode>::Adopt(made)));
  names.AddChild(*dentry);
  return dentry;
}

uint32_t AccessOf(uint32_t flags) {
  switch (flags & O_ACCMODE) {
    case O_RDONLY:
      return kMayRead;
    case O_WRONLY:
      return kMayWrite;
    default:
      return kMayRead | kMayWrite;
  }
}

}  // namespace

Mqueue* MqueueOf(File& file) {
  return file.IsMqueue() ? &static_cast<MqueueFile&>(file).queue() : nullptr;
}

Result<Ref<File>> OpenMqueue(Task& task, const char* name, uint32_t flags, uint32_t mode,
                             const MqAttributes* wanted) {
  const size_t length = strlen(name);
  TRY(CheckName(name, length));
  Dentry* names = TRY(Names());
  const uint32_t status = flags & (O_ACCMODE | O_NONBLOCK);
  if (Dentry* found = names->FindChild(name, length); found != nullptr) {
    if ((flags & (O_CREAT | O_EXCL)) == (O_CREAT | O_EXCL)) {
      return Error(EEXIST);
    }
    if ((flags & O_ACCMODE) == (O_WRONLY | O_RDWR)) {
      return Error(EINVAL);
    }
    TRY(CheckAccess(found->inode(), task.cred(), AccessOf(flags)));
    return found->inode().Open(Ref<Dentry>(*found), status);
  }
  if ((flags & O_CREAT) == 0) {
    return Error(ENOENT);
  }
  Ref<Dentry> made = TRY(MakeQueue(task, *names, name, mode, wanted));
  Result<Ref<File>> file = made->inode().Open(made, status);
  if (!file.ok()) {
    names->RemoveChild(*made);
  }
  return file;
}

Status UnlinkMqueue(Task& task, const char* name) {
  const size_t length = strlen(name);
  TRY(CheckName(name, length));
  Dentry* names = TRY(Names());
  Dentry* found = names->FindChild(name, length);
  if (found == nullptr) {
    return Error(ENOENT);
  }
  // The directory is sticky and root's.
  const Credentials& cred = task.cred();
  if (cred.fsuid != found->inode().uid && cred.fsuid != 0 && !cred.Capable(CAP_FOWNER)) {
    return Error(EPERM);
  }
  --found->inode().links;
  names->RemoveChild(*found);
  return Ok();
}

}  // namespace fv::guest
