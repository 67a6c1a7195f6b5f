// SPDX-License-Identifier: Apache-2.0
//
// POSIX message queues (mq_overview(7)). A queue is an inode: it lives while it has a name or an
// open description. Names are a directory of their own, which no path reaches. A message goes
// straight to the receiver that waits longest with the highest priority, and a waiting sender's
// message into the room that a receiver makes, so nobody who comes later takes it away.
//
// Invariants: receivers wait only on an empty queue, senders only on a full one; the messages are
// sorted by priority, the oldest first.
// Locking: the queue's (info->lock); one vCPU needs none.
#pragma once

#include <cstdint>

#include "guest/fs/file.h"
#include "guest/ipc/message.h"
#include "guest/lib/blocking.h"
#include "guest/lib/ref.h"
#include "guest/lib/result.h"

namespace fv::guest {

class Task;

struct MqAttributes {  // struct mq_attr
  int64_t flags;
  int64_t max_messages;
  int64_t message_bytes;
  int64_t messages;  // in the queue now
  int64_t reserved[4];
};

// Limits of <linux/ipc_namespace.h>: what an unprivileged caller may ask for, and anybody.
inline constexpr int64_t kMqMaxMessages = 10;
inline constexpr int64_t kMqMessageBytes = 8192;
inline constexpr int64_t kMqHardMaxMessages = 65536;
inline constexpr int64_t kMqHardMessageBytes = 16 * 1024 * 1024;
inline constexpr uint32_t kMqQueues = 256;
inline constexpr uint32_t kMqPriorities = 32768;  // MQ_PRIO_MAX

// mq_open(2) with open(2)'s flags; `wanted` is nullptr for the defaults, and looked at only when
// the queue is made. Errors: EACCES, EEXIST, EINVAL, EMFILE (RLIMIT_MSGQUEUE), ENAMETOOLONG,
// ENOENT, ENOMEM, ENOSPC.
Result<Ref<File>> OpenMqueue(Task& task, const char* name, uint32_t flags, uint32_t mode,
                             const MqAttributes* wanted);
// mq_unlink(2). Errors: EACCES, EPERM (another's), ENAMETOOLONG, ENOENT.
Status UnlinkMqueue(Task& task, const char* name);

// Whom mq_notify(2) tells, once, that a message came into an empty queue.
struct MqNotification {
  bool silent;  // SIGEV_NONE: only registered
  int signo;    // 0: registered without a signal
  uint64_t value;
};

// The queue behind an open file.
class Mqueue {
 public:
  // Takes `message` over unless it fails. Waits for room until `deadline_ns` (monotonic).
  // Errors: EAGAIN (a full queue, O_NONBLOCK), ETIMEDOUT, kErestartSys.
  virtual Status Send(Message* message, Blocking blocking, uint64_t deadline_ns) = 0;
  // The oldest message of the highest priority, the caller's now. Errors: as Send.
  virtual Result<Message*> Receive(Blocking blocking, uint64_t deadline_ns) = 0;
  // The flags are the file's and left 0.
  virtual MqAttributes attributes() const = 0;
  // For the calling process; nullptr takes its registration back. Errors: EBUSY (somebody is
  // registered).
  virtual Status Notify(const MqNotification* notification) = 0;

 protected:
  ~Mqueue() = default;
};
// nullptr if `file` is something else.
Mqueue* MqueueOf(File& file);

}  // namespace fv::guest
