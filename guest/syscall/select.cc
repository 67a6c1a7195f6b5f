// SPDX-License-Identifier: Apache-2.0
//
// select(2) and pselect6(2): poll with bit sets.
#include <linux/poll.h>

#include "guest/fs/poll.h"
#include "guest/lib/string.h"
#include "guest/mm/slab.h"
#include "guest/syscall/poll_args.h"

namespace fv::guest {

namespace {

constexpr uint32_t kReadEvents = POLLRDNORM | POLLRDBAND | POLLIN | POLLHUP | POLLERR;
constexpr uint32_t kWriteEvents = POLLWRBAND | POLLWRNORM | POLLOUT | POLLERR;
constexpr uint32_t kExceptEvents = POLLPRI;
constexpr uint32_t kEvents[] = {kReadEvents, kWriteEvents, kExceptEvents};
constexpr size_t kSets = 3;

// Three input sets and three result sets of `words_` 64-bit words each.
class SelectSets {
 public:
  SelectSets() = default;
  SelectSets(const SelectSets&) = delete;
  SelectSets& operator=(const SelectSets&) = delete;
  ~SelectSets() {
    if (bits_ != inline_) {
      KernelFree(bits_, Bytes());
    }
  }
  Status Load(Mm& mm, uint32_t count, const uint64_t* addresses);
  Status Store(Mm& mm, const uint64_t* addresses) const;
  // Errors: EBADF.
  Status Check(const FdTable& files) const;
  uint64_t Scan(const FdTable& files, TaskPollTable* table);

 private:
  static constexpr size_t kInlineWords = 2;
  size_t Bytes() const { return 2 * kSets * words_ * 8; }
  uint64_t* In(unsigned set) const { return bits_ + words_ * set; }
  uint64_t* Out(unsigned set) const { return bits_ + (kSets + set) * words_; }
  static bool Has(const uint64_t* set, uint32_t fd) { return (set[fd / 64] >> fd % 64 & 1) != 0; }
  uint32_t EventsOf(uint32_t fd) const;

  uint64_t inline_[2 * kSets * kInlineWords] = {};
  uint64_t* bits_ = inline_;
  size_t words_ = 0;
  uint32_t count_ = 0;
};

Status SelectSets::Load(Mm& mm, uint32_t count, const uint64_t* addresses) {
  const size_t words = (count + 63) / 64;
  if (words > kInlineWords) {
    auto* memory = static_cast<uint64_t*>(KernelAllocate(2 * kSets * words * 8));
    if (memory == nullptr) {
      return Error(ENOMEM);
    }
    bits_ = memory;
  }
  words_ = words;
  count_ = count;
  memset(bits_, 0, Bytes());
  for (unsigned set = 0; set < kSets; ++set) {
    if (addresses[set] != 0) {
      TRY(CopyFromUser(mm, In(set), addresses[set], words_ * 8));
    }
  }
  return Ok();
}

Status SelectSets::Store(Mm& mm, const uint64_t* addresses) const {
  for (unsigned set = 0; set < kSets; ++set) {
    if (addresses[set] != 0) {
      TRY(CopyToUser(mm, addresses[set], Out(set), words_ * 8));
    }
  }
  return Ok();
}

uint32_t SelectSets::EventsOf(uint32_t fd) const {
  uint32_t events = 0;
  for (unsigned set = 0; set < kSets; ++set) {
    events |= Has(In(set), fd) ? kEvents[set] : 0;
  }
  return events;
}

Status SelectSets::Check(const FdTable& files) const {
  for (uint32_t fd = 0; fd < count_; ++fd) {
    if (EventsOf(fd) != 0) {
      (void)TRY(files.Get(static_cast<int>(fd)));
    }
  }
  return Ok();
}

uint64_t SelectSets::Scan(const FdTable& files, TaskPollTable* table) {
  uint64_t ready = 0;
  memset(Out(0), 0, kSets * words_ * 8);
  for (uint32_t fd = 0; fd < count_; ++fd) {
    if (EventsOf(fd) == 0) {
      continue;
    }
    Result<Ref<File>> file = files.Get(static_cast<int>(fd));
    if (table != nullptr && file.ok()) {
      table->Watch(*file.value());
    }
    const uint32_t events = file.ok() ? file.value()->Poll(ready == 0 ? table : nullptr) : POLLNVAL;
    for (unsigned set = 0; set < kSets; ++set) {
      if (Has(In(set), fd) && (events & kEvents[set]) != 0) {
        Out(set)[fd / 64] |= uint64_t{1} << fd % 64;
        ++ready;
      }
    }
  }
  return ready;
}

Result<uint64_t> DoSelect(const SyscallArgs& args, uint64_t deadline_ns) {
  if (args.Int(0) < 0) {
    return Error(EINVAL);
  }
  const FdTable& files = args.task.files();
  // Descriptors beyond the table cannot be open: Linux cuts the count there.
  const uint32_t count = args.Uint(0) < files.capacity() ? args.Uint(0) : files.capacity();
  SelectSets sets;
  TRY(sets.Load(*args.task.mm(), count, &args.a[1]));
  TRY(sets.Check(files));
  const uint64_t ready =
      TRY(PollUntil(deadline_ns, [&](TaskPollTable* table) { return sets.Scan(files, table); }));
  TRY(sets.Store(*args.task.mm(), &args.a[1]));
  return ready;
}

}  // namespace

namespace sys {

Result<uint64_t> select(const SyscallArgs& args) {
  Mm& mm = *args.task.mm();
  const PollTimeout timeout = TRY(ReadTimeout(mm, args.a[4], TimeUnit::kMicroseconds));
  Result<uint64_t> result = DoSelect(args, timeout.deadline_ns);
  WriteRemaining(mm, timeout, TimeUnit::kMicroseconds);
  return result;
}

Result<uint64_t> pselect6(const SyscallArgs& args) {
  Mm& mm = *args.task.mm();
  uint64_t mask[2] = {0, 0};  // address and size of the signal mask
  if (args.a[5] != 0) {
    TRY(CopyFromUser(mm, mask, args.a[5], sizeof(mask)));
  }
  const PollTimeout timeout = TRY(ReadTimeout(mm, args.a[4], TimeUnit::kNanoseconds));
  TRY(BeginSignalMask(mm, mask[0], mask[1]));
  Result<uint64_t> result = DoSelect(args, timeout.deadline_ns);
  EndSignalMask(mask[0], result);
  WriteRemaining(mm, timeout, TimeUnit::kNanoseconds);
  return result;
}

}  // namespace sys
}  // namespace fv::guest
