// SPDX-License-Identifier: Apache-2.0
//
// poll(2) and ppoll(2).
#include <linux/poll.h>

#include "guest/arch/arch.h"
#include "guest/fs/poll.h"
#include "guest/fs/task_hooks.h"
#include "guest/mm/slab.h"
#include "guest/syscall/poll_args.h"

namespace fv::guest {

namespace {

constexpr uint64_t kNs = 1'000'000'000;
constexpr uint64_t kMsNs = 1'000'000;
constexpr uint64_t kSigsetBytes = 8;
constexpr uint32_t kStickyTimeouts = 0x4000000;  // STICKY_TIMEOUTS of personality(2)

}  // namespace

Result<PollTimeout> ReadTimeout(Mm& mm, uint64_t address, TimeUnit unit) {
  PollTimeout timeout;
  if (address == 0) {
    return timeout;
  }
  const int64_t seconds = TRY(ReadUser<int64_t>(mm, address));
  const int64_t fraction = TRY(ReadUser<int64_t>(mm, address + 8));
  const int64_t scale = unit == TimeUnit::kNanoseconds ? 1 : 1000;
  timeout.address = address;
  if (unit == TimeUnit::kNanoseconds && (fraction < 0 || fraction >= static_cast<int64_t>(kNs))) {
    return Error(EINVAL);
  }
  if (seconds < 0 || fraction < 0) {
    return Error(EINVAL);
  }
  uint64_t ns;
  if (__builtin_mul_overflow(static_cast<uint64_t>(seconds), kNs, &ns) ||
      __builtin_add_overflow(ns, static_cast<uint64_t>(fraction * scale), &ns) ||
      __builtin_add_overflow(ns, MonotonicNs(), &timeout.deadline_ns)) {
    timeout.deadline_ns = kNoDeadline;
  } else if (ns == 0) {
    timeout.deadline_ns = 0;
  }
  return timeout;
}

void WriteRemaining(Mm& mm, const PollTimeout& timeout, TimeUnit unit) {
  if (timeout.address == 0 || timeout.deadline_ns == kNoDeadline ||
      (CurrentTask()->personality & kStickyTimeouts) != 0) {
    return;
  }
  const uint64_t now = MonotonicNs();
  const uint64_t left = timeout.deadline_ns > now ? timeout.deadline_ns - now : 0;
  const uint64_t scale = unit == TimeUnit::kNanoseconds ? 1 : 1000;
  const uint64_t words[] = {left / kNs, left % kNs / scale};
  (void)CopyToUser(mm, timeout.address, words, sizeof(words));
}

uint64_t DeadlineAfterMs(int milliseconds) {
  if (milliseconds < 0) {
    return kNoDeadline;
  }
  return milliseconds == 0 ? 0 : MonotonicNs() + static_cast<uint64_t>(milliseconds) * kMsNs;
}

Status BeginSignalMask(Mm& mm, uint64_t address, uint64_t bytes) {
  if (address == 0) {
    return Ok();
  }
  if (bytes != kSigsetBytes) {
    return Error(EINVAL);
  }
  SetTemporarySignalMask(TRY(ReadUser<uint64_t>(mm, address)));
  return Ok();
}

void EndSignalMask(uint64_t address, const Result<uint64_t>& result) {
  if (address == 0) {
    return;
  }
  const bool interrupted =
      !result.ok() && (result.error().number() == EINTR || result.error().number() >= kErestartSys);
  interrupted ? RestoreSignalMaskAfterDelivery() : RestoreSignalMask();
}

namespace {

// Kernel copy of the pollfd array.
class PollSet {
 public:
  PollSet() = default;
  PollSet(const PollSet&) = delete;
  PollSet& operator=(const PollSet&) = delete;
  ~PollSet() {
    if (items_ != inline_) {
      KernelFree(items_, count_ * sizeof(struct pollfd));
    }
  }
  Status Load(Mm& mm, uint64_t address, uint64_t count);
  Status Store(Mm& mm, uint64_t address) const;
  uint64_t Scan(const FdTable& files, TaskPollTable* table);

 private:
  static constexpr size_t kInline = 16;
  struct pollfd inline_[kInline] = {};
  struct pollfd* items_ = inline_;
  size_t count_ = 0;
};

Status PollSet::Load(Mm& mm, uint64_t address, uint64_t count) {
  if (count > kInline) {
    auto* memory = static_cast<struct pollfd*>(KernelAllocate(count * sizeof(struct pollfd)));
    if (memory == nullptr) {
      return Error(ENOMEM);
    }
    items_ = memory;
  }
  count_ = count;
  return count == 0 ? Ok() : CopyFromUser(mm, items_, address, count * sizeof(struct pollfd));
}

Status PollSet::Store(Mm& mm, uint64_t address) const {
  for (size_t i = 0; i < count_; ++i) {
    const uint64_t at = address + i * sizeof(struct pollfd) + offsetof(struct pollfd, revents);
    TRY(WriteUser(mm, at, items_[i].revents));
  }
  return Ok();
}

uint64_t PollSet::Scan(const FdTable& files, TaskPollTable* table) {
  uint64_t ready = 0;
  for (size_t i = 0; i < count_; ++i) {
    struct pollfd& item = items_[i];
    item.revents = 0;
    if (item.fd < 0) {
      continue;
    }
    Result<Ref<File>> file = files.Get(item.fd);
    if (!file.ok()) {
      item.revents = POLLNVAL;
    } else {
      if (table != nullptr) {
        table->Watch(*file.value());
      }
      const uint32_t wanted = static_cast<uint16_t>(item.events) | POLLERR | POLLHUP;
      item.revents = static_cast<short>(file.value()->Poll(ready == 0 ? table : nullptr) & wanted);
    }
    ready += item.revents != 0 ? 1 : 0;
  }
  return ready;
}

Result<uint64_t> DoPoll(Task& task, uint64_t address, uint64_t count, uint64_t deadline_ns) {
  if (count > task.rlimit(RLIMIT_NOFILE)) {
    return Error(EINVAL);
  }
  PollSet set;
  TRY(set.Load(*task.mm(), address, count));
  const uint64_t ready = TRY(
      PollUntil(deadline_ns, [&](TaskPollTable* table) { return set.Scan(task.files(), table); }));
  TRY(set.Store(*task.mm(), address));
  return ready;
}

// restart_syscall(2) after a stop: the deadline stays what it was.
Result<uint64_t> ResumePoll(Task& task);

Result<uint64_t> PollWithRestart(Task& task, uint64_t address, uint64_t count,
                                 uint64_t deadline_ns) {
  Result<uint64_t> result = DoPoll(task, address, count, deadline_ns);
  if (!result.ok() && result.error().number() == kErestartNoHand) {
    task.restart.resume = ResumePoll;
    task.restart.args[0] = address;
    task.restart.args[1] = count;
    task.restart.args[2] = deadline_ns;
    return Error(kErestartBlock);
  }
  return result;
}

Result<uint64_t> ResumePoll(Task& task) {
  const uint64_t* args = task.restart.args;
  return PollWithRestart(task, args[0], args[1], args[2]);
}

}  // namespace

namespace sys {

Result<uint64_t> poll(const SyscallArgs& args) {
  return PollWithRestart(args.task, args.a[0], args.Uint(1), DeadlineAfterMs(args.Int(2)));
}

Result<uint64_t> ppoll(const SyscallArgs& args) {
  Mm& mm = *args.task.mm();
  const PollTimeout timeout = TRY(ReadTimeout(mm, args.a[2], TimeUnit::kNanoseconds));
  TRY(BeginSignalMask(mm, args.a[3], args.a[4]));
  Result<uint64_t> result = DoPoll(args.task, args.a[0], args.Uint(1), timeout.deadline_ns);
  EndSignalMask(args.a[3], result);
  WriteRemaining(mm, timeout, TimeUnit::kNanoseconds);
  return result;
}

}  // namespace sys
}  // namespace fv::guest
