// SPDX-License-Identifier: Apache-2.0
//
// epoll_create(2), epoll_ctl(2), epoll_wait(2) and their variants.
#include <linux/eventpoll.h>

#include "guest/fs/epoll.h"
#include "guest/mm/slab.h"
#include "guest/syscall/poll_args.h"

namespace fv::guest::sys {

namespace {

constexpr uint32_t kExclusiveMayHave =
    EPOLLIN | EPOLLOUT | EPOLLERR | EPOLLHUP | static_cast<uint32_t>(EPOLLWAKEUP) |
    static_cast<uint32_t>(EPOLLET) | static_cast<uint32_t>(EPOLLEXCLUSIVE);

Result<uint64_t> Create(const SyscallArgs& args, uint32_t flags) {
  if ((flags & ~uint32_t{O_CLOEXEC}) != 0) {
    return Error(EINVAL);
  }
  Ref<File> file = TRY(MakeEpoll());
  const CloseOnExecFlag cloexec =
      (flags & O_CLOEXEC) != 0 ? CloseOnExecFlag::kYes : CloseOnExecFlag::kNo;
  return static_cast<uint64_t>(TRY(args.task.files().Add(std::move(file), cloexec, FdLimit(args))));
}

// Room for the events of one epoll_wait: on the stack for a few, else allocated.
class EventBuffer {
 public:
  EventBuffer() = default;
  EventBuffer(const EventBuffer&) = delete;
  EventBuffer& operator=(const EventBuffer&) = delete;
  ~EventBuffer() {
    if (events_ != inline_) {
      KernelFree(events_, room_ * sizeof(EpollEvent));
    }
  }
  // Room for `wanted` events; fewer if there is no memory.
  void Reserve(unsigned wanted) {
    if (wanted > kMost) {
      wanted = kMost;
    }
    if (wanted > room_) {
      if (void* memory = KernelAllocate(wanted * sizeof(EpollEvent)); memory != nullptr) {
        events_ = static_cast<EpollEvent*>(memory);
        room_ = wanted;
      }
    }
  }
  EpollEvent* events() { return events_; }
  unsigned room() const { return room_; }

 private:
  static constexpr unsigned kInline = 64;
  static constexpr unsigned kMost = 4 * 1024 * 1024 / sizeof(EpollEvent);
  EpollEvent inline_[kInline];
  EpollEvent* events_ = inline_;
  unsigned room_ = kInline;
};

Result<uint64_t> Wait(const SyscallArgs& args, uint64_t deadline_ns) {
  constexpr int kMaxEvents = 0x7fffffff / static_cast<int>(sizeof(EpollEvent));
  const int wanted = args.Int(2);
  const Ref<File> file = TRY(FileArgument(args, 0));
  if (wanted <= 0 || wanted > kMaxEvents) {
    return Error(EINVAL);
  }
  TRY(BufferArgument(*args.task.mm(), args.a[1],
                     static_cast<uint64_t>(wanted) * sizeof(EpollEvent)));
  EpollFile* epoll = EpollOf(*file);
  if (epoll == nullptr) {
    return Error(EINVAL);
  }
  EventBuffer buffer;
  for (;;) {
    const Result<uint64_t> ready = PollUntil(deadline_ns, [&](PollTable* table) {
      if (table != nullptr) {
        table->Wait(epoll->sleepers);
      }
      return uint64_t{epoll->AnyReady() ? 1u : 0u};
    });
    if (!ready.ok()) {
      return Error(ready.error().number() == kErestartNoHand ? EINTR : ready.error().number());
    }
    unsigned count = 0;
    if (ready.value() != 0) {
      const unsigned most = epoll->item_count() < static_cast<unsigned>(wanted)
                                ? epoll->item_count()
                                : static_cast<unsigned>(wanted);
      buffer.Reserve(most);
      count = epoll->Collect(buffer.events(), most < buffer.room() ? most : buffer.room());
    }
    if (count > 0) {
      TRY(CopyToUser(*args.task.mm(), args.a[1], buffer.events(), count * sizeof(EpollEvent)));
    }
    if (count > 0 || ready.value() == 0) {
      return uint64_t{count};
    }
  }
}

Result<uint64_t> WaitMasked(const SyscallArgs& args, uint64_t deadline_ns) {
  TRY(BeginSignalMask(*args.task.mm(), args.a[4], args.a[5]));
  Result<uint64_t> result = Wait(args, deadline_ns);
  EndSignalMask(args.a[4], result);
  return result;
}

}  // namespace

Result<uint64_t> epoll_create(const SyscallArgs& args) {
  return args.Int(0) <= 0 ? Result<uint64_t>(Error(EINVAL)) : Create(args, 0);
}
Result<uint64_t> epoll_create1(const SyscallArgs& args) { return Create(args, args.Uint(0)); }

Result<uint64_t> epoll_ctl(const SyscallArgs& args) {
  const int operation = args.Int(1);
  EpollEvent event{};
  if (operation != EPOLL_CTL_DEL) {
    event = TRY(ReadUser<EpollEvent>(*args.task.mm(), args.a[3]));
  }
  const Ref<File> file = TRY(FileArgument(args, 0));
  const Ref<File> target = TRY(FileArgument(args, 2));
  if (!target->pollable()) {
    return Error(EPERM);
  }
  EpollFile* epoll = EpollOf(*file);
  if (epoll == nullptr || file.get() == target.get()) {
    return Error(EINVAL);
  }
  Status status = Error(EINVAL);
  const uint32_t events = event.events;
  const bool exclusive = (events & static_cast<uint32_t>(EPOLLEXCLUSIVE)) != 0;
  switch (operation) {
    case EPOLL_CTL_ADD:
      if (exclusive && ((events & ~kExclusiveMayHave) != 0 || EpollOf(*target) != nullptr)) {
        return Error(EINVAL);
      }
      status = epoll->Add(*target, args.Int(2), event);
      break;
    case EPOLL_CTL_MOD:
      if (exclusive) {
        return Error(EINVAL);
      }
      status = epoll->Modify(*target, args.Int(2), event);
      break;
    case EPOLL_CTL_DEL:
      status = epoll->Delete(*target, args.Int(2));
      break;
    default:
      break;
  }
  TRY(status);
  return uint64_t{0};
}

Result<uint64_t> epoll_wait(const SyscallArgs& args) {
  return Wait(args, DeadlineAfterMs(args.Int(3)));
}
Result<uint64_t> epoll_pwait(const SyscallArgs& args) {
  return WaitMasked(args, DeadlineAfterMs(args.Int(3)));
}
Result<uint64_t> epoll_pwait2(const SyscallArgs& args) {
  const PollTimeout timeout = TRY(ReadTimeout(*args.task.mm(), args.a[3], TimeUnit::kNanoseconds));
  return WaitMasked(args, timeout.deadline_ns);
}

}  // namespace fv::guest::sys
