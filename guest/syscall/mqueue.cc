// SPDX-License-Identifier: Apache-2.0
//
// mq_open(2), mq_unlink(2), mq_timedsend(2), mq_timedreceive(2), mq_notify(2), mq_getsetattr(2).
#include "guest/ipc/mqueue.h"

#include "guest/lib/scope_guard.h"
#include "guest/syscall/file_args.h"
#include "guest/task/clock.h"

namespace fv::guest::sys {
namespace {

constexpr int64_t kNsPerSec = 1'000'000'000;

struct UserTime {  // struct timespec
  int64_t seconds;
  int64_t nanoseconds;
};

struct UserSigevent {  // struct sigevent
  uint64_t value;
  int32_t signo;
  int32_t notify;
  uint8_t rest[48];
};
enum SigevNotify : int { kSigevSignal = 0, kSigevNone = 1, kSigevThread = 2 };

// The deadline on the monotonic clock of a timespec on the wall clock; 0 waits for ever.
// Errors: EFAULT, EINVAL.
Result<uint64_t> DeadlineArgument(Mm& mm, uint64_t address) {
  if (address == 0) {
    return kNoDeadline;
  }
  const UserTime time = TRY(ReadUser<UserTime>(mm, address));
  if (time.seconds < 0 || time.nanoseconds < 0 || time.nanoseconds >= kNsPerSec) {
    return Error(EINVAL);
  }
  uint64_t ns;
  if (__builtin_mul_overflow(static_cast<uint64_t>(time.seconds), uint64_t{kNsPerSec}, &ns)) {
    return kNoDeadline - 1;
  }
  return MonotonicOf(kClockRealtime, ns + static_cast<uint64_t>(time.nanoseconds));
}

// The queue of descriptor a[0]. `file` keeps it. Errors: EBADF.
Result<Mqueue*> QueueArgument(const SyscallArgs& args, Ref<File>& file) {
  file = TRY(FileArgument(args, 0));
  Mqueue* queue = MqueueOf(*file);
  return queue == nullptr ? Result<Mqueue*>(Error(EBADF)) : queue;
}

// Errors: EFAULT, ENAMETOOLONG, ENOENT (an empty name).
Status LoadName(const SyscallArgs& args, PathArgument& name) {
  TRY(name.Load(*args.task.mm(), args.a[0]));
  return name.text()[0] == '\0' ? Status(Error(ENOENT)) : Ok();
}

}  // namespace

// mq_open(name, flags, mode, attributes)
Result<uint64_t> mq_open(const SyscallArgs& args) {
  MqAttributes wanted{};
  if (args.a[3] != 0) {
    wanted = TRY(ReadUser<MqAttributes>(*args.task.mm(), args.a[3]));
  }
  PathArgument name;
  TRY(LoadName(args, name));
  FdTable& files = args.task.files();
  const int fd = TRY(files.Allocate(FdLimit(args)));
  ScopeGuard undo([&files, fd] { files.Cancel(fd); });
  Ref<File> file = TRY(OpenMqueue(args.task, name.text(), args.Uint(1), args.Uint(2),
                                  args.a[3] != 0 ? &wanted : nullptr));
  undo.Dismiss();
  files.Install(fd, std::move(file), CloseOnExecFlag::kYes);
  return static_cast<uint64_t>(fd);
}

Result<uint64_t> mq_unlink(const SyscallArgs& args) {
  PathArgument name;
  TRY(LoadName(args, name));
  TRY(UnlinkMqueue(args.task, name.text()));
  return uint64_t{0};
}

// mq_timedsend(queue, message, bytes, priority, deadline)
Result<uint64_t> mq_timedsend(const SyscallArgs& args) {
  Mm& mm = *args.task.mm();
  const uint64_t deadline = TRY(DeadlineArgument(mm, args.a[4]));
  if (args.Uint(3) >= kMqPriorities) {
    return Error(EINVAL);
  }
  Ref<File> file;
  Mqueue* queue = TRY(QueueArgument(args, file));
  if (!file->writable()) {
    return Error(EBADF);
  }
  if (args.a[2] > static_cast<uint64_t>(queue->attributes().message_bytes)) {
    return Error(EMSGSIZE);
  }
  Message* message = TRY(Message::FromUser(mm, args.a[1], args.a[2], args.Uint(3)));
  const Status sent = queue->Send(message, BlockingUnless(file->nonblocking()), deadline);
  if (!sent.ok()) {
    Message::Free(message);
    return sent.error();
  }
  return uint64_t{0};
}

// mq_timedreceive(queue, buffer, bytes, priority, deadline)
Result<uint64_t> mq_timedreceive(const SyscallArgs& args) {
  Mm& mm = *args.task.mm();
  const uint64_t deadline = TRY(DeadlineArgument(mm, args.a[4]));
  Ref<File> file;
  Mqueue* queue = TRY(QueueArgument(args, file));
  if (!file->readable()) {
    return Error(EBADF);
  }
  if (args.a[2] < static_cast<uint64_t>(queue->attributes().message_bytes)) {
    return Error(EMSGSIZE);
  }
  Message* message = TRY(queue->Receive(BlockingUnless(file->nonblocking()), deadline));
  ScopeGuard free([message] { Message::Free(message); });
  if (args.a[3] != 0) {
    TRY(WriteUser(mm, args.a[3], static_cast<uint32_t>(message->type)));
  }
  TRY(CopyToUser(mm, args.a[1], message->data(), message->bytes));
  return uint64_t{message->bytes};
}

// mq_notify(queue, sigevent). SIGEV_THREAD is done over a netlink socket, whose number is in
// sigev_signo; there are none, so no number is right.
Result<uint64_t> mq_notify(const SyscallArgs& args) {
  MqNotification wanted{};
  if (args.a[1] != 0) {
    const auto event = TRY(ReadUser<UserSigevent>(*args.task.mm(), args.a[1]));
    if (event.notify != kSigevNone && event.notify != kSigevSignal &&
        event.notify != kSigevThread) {
      return Error(EINVAL);
    }
    if (event.notify == kSigevSignal && (event.signo < 0 || event.signo > kSignalCount)) {
      return Error(EINVAL);
    }
    if (event.notify == kSigevThread) {
      const Ref<File> socket = TRY(args.task.files().Get(event.signo));
      return Error(socket->IsSocket() ? EINVAL : ENOTSOCK);
    }
    wanted = {event.notify == kSigevNone, event.signo, event.value};
  }
  Ref<File> file;
  Mqueue* queue = TRY(QueueArgument(args, file));
  TRY(queue->Notify(args.a[1] != 0 ? &wanted : nullptr));
  return uint64_t{0};
}

// mq_getsetattr(queue, wanted, old): only O_NONBLOCK can be set.
Result<uint64_t> mq_getsetattr(const SyscallArgs& args) {
  Mm& mm = *args.task.mm();
  MqAttributes wanted{};
  if (args.a[1] != 0) {
    wanted = TRY(ReadUser<MqAttributes>(mm, args.a[1]));
    if ((wanted.flags & ~int64_t{O_NONBLOCK}) != 0) {
      return Error(EINVAL);
    }
  }
  Ref<File> file;
  Mqueue* queue = TRY(QueueArgument(args, file));
  MqAttributes old = queue->attributes();
  old.flags = file->flags() & O_NONBLOCK;
  if (args.a[1] != 0) {
    file->SetStatusFlags((file->flags() & ~uint32_t{O_NONBLOCK}) |
                         static_cast<uint32_t>(wanted.flags));
  }
  if (args.a[2] != 0) {
    TRY(WriteUser(mm, args.a[2], old));
  }
  return uint64_t{0};
}

}  // namespace fv::guest::sys
