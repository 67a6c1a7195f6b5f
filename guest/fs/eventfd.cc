// SPDX-License-Identifier: Apache-2.0
//
// eventfd(2).
#include "guest/fs/eventfd.h"

#include <linux/fcntl.h>
#include <linux/poll.h>

#include "guest/fs/anonymous.h"
#include "guest/fs/object.h"
#include "guest/fs/poll.h"
#include "guest/fs/text_buffer.h"

namespace fv::guest {

namespace {

constexpr uint64_t kMaxCount = ~uint64_t{0} - 1;

enum class Counting { kAll, kSemaphore };

class EventFile final : public File {
 public:
  EventFile(Ref<Dentry> dentry, uint32_t flags, uint64_t count, Counting counting)
      : File(std::move(dentry), flags), count_(count), counting_(counting) {}
  Result<uint64_t> Read(IoBuffer& to, uint64_t& position) override;
  Result<uint64_t> Write(IoBuffer& from, uint64_t& position, const IoContext& context) override;
  // noop_llseek: the position stays where it is.
  Result<uint64_t> Seek(int64_t, int) override { return position(); }
  uint32_t Poll(PollTable* table) override;
  void ShowInfo(TextBuffer& out) override {
    out.Add("eventfd-count: %16lx\neventfd-id: %lu\neventfd-semaphore: %d\n", count_,
            inode().number(), counting_ == Counting::kSemaphore ? 1 : 0);
  }

 private:
  void Destroy() override { DestroyObject(this); }
  uint64_t count_;
  Counting counting_;
  WaitQueue changed_;
};

Result<uint64_t> EventFile::Read(IoBuffer& to, uint64_t&) {
  if (to.remaining() < sizeof(uint64_t)) {
    return Error(EINVAL);
  }
  if (count_ == 0) {
    if (nonblocking()) {
      return Error(EAGAIN);
    }
    TRY(WaitUntil(changed_, kNoDeadline, [&] { return count_ > 0; }));
  }
  const uint64_t value = counting_ == Counting::kSemaphore ? 1 : count_;
  count_ -= value;
  changed_.WakeAll();
  return to.CopyOut(&value, sizeof(value)) == sizeof(value) ? Result<uint64_t>(sizeof(value))
                                                            : Result<uint64_t>(Error(EFAULT));
}

Result<uint64_t> EventFile::Write(IoBuffer& from, uint64_t&, const IoContext&) {
  uint64_t value = 0;
  if (from.remaining() != sizeof(value)) {
    return Error(EINVAL);
  }
  if (from.CopyIn(&value, sizeof(value)) != sizeof(value)) {
    return Error(EFAULT);
  }
  if (value == ~uint64_t{0}) {
    return Error(EINVAL);
  }
  if (value > kMaxCount - count_) {
    if (nonblocking()) {
      return Error(EAGAIN);
    }
    TRY(WaitUntil(changed_, kNoDeadline, [&] { return value <= kMaxCount - count_; }));
  }
  count_ += value;
  changed_.WakeAll();
  return uint64_t{sizeof(value)};
}

uint32_t EventFile::Poll(PollTable* table) {
  if (table != nullptr) {
    table->Wait(changed_);
  }
  uint32_t events = count_ > 0 ? POLLIN | POLLRDNORM : 0;
  return events | (count_ < kMaxCount ? POLLOUT | POLLWRNORM : 0);
}

}  // namespace

Result<Ref<File>> MakeEventfd(uint32_t initial, uint32_t flags) {
  Ref<Dentry> dentry = TRY(MakeAnonymousDentry("anon_inode:[eventfd]"));
  const uint32_t status = O_RDWR | (flags & O_NONBLOCK);
  EventFile* file = MakeObject<EventFile>(
      std::move(dentry), status, uint64_t{initial},
      (flags & kEventfdSemaphore) != 0 ? Counting::kSemaphore : Counting::kAll);
  if (file == nullptr) {
    return Error(ENOMEM);
  }
  return Ref<File>::Adopt(file);
}

}  // namespace fv::guest
