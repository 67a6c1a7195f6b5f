// SPDX-License-Identifier: Apache-2.0
//
// signalfd(2). Readers see the signals of the task that reads, whoever made the file. They are few:
// all share one queue and look for themselves when any signal is sent.
#include "guest/task/signalfd.h"

#include <linux/fcntl.h>
#include <linux/poll.h>

#include <new>

#include "guest/fs/anonymous.h"
#include "guest/fs/object.h"
#include "guest/fs/poll.h"
#include "guest/fs/text_buffer.h"
#include "guest/lib/string.h"
#include "guest/task/signal_internal.h"
#include "guest/task/task.h"

namespace fv::guest {

namespace {

struct Record {  // struct signalfd_siginfo
  uint32_t signo;
  int32_t error, code;
  uint32_t pid, uid;
  int32_t fd;
  uint32_t timer_id, band, overrun, trap_number;
  int32_t status, value_int;
  uint64_t value_pointer, user_time, system_time, address;
  uint16_t address_lsb, pad0;
  int32_t syscall;
  uint64_t call_address;
  uint32_t arch;
  uint8_t pad[28];
};
static_assert(sizeof(Record) == 128);

WaitQueue& Readers() {
  alignas(WaitQueue) static constinit unsigned char bytes[sizeof(WaitQueue)]{};
  static constinit bool made = false;
  if (!made) {
    new (bytes) WaitQueue();
    made = true;
  }
  return *reinterpret_cast<WaitQueue*>(bytes);
}

Record RecordOf(const SigInfo& info) {
  Record record{};
  record.signo = static_cast<uint32_t>(info.signo);
  record.error = info.error;
  record.code = info.code;
  constexpr int kTimerCode = -2;  // SI_TIMER
  if (info.signo == kSigChld) {
    record.pid = static_cast<uint32_t>(info.child.pid);
    record.uid = info.child.uid;
    record.status = info.child.status;
    record.user_time = static_cast<uint64_t>(info.child.utime);
    record.system_time = static_cast<uint64_t>(info.child.stime);
    return record;
  }
  if (info.code == kTimerCode) {
    record.timer_id = static_cast<uint32_t>(info.timer.id);
    record.overrun = static_cast<uint32_t>(info.timer.overrun);
    record.value_pointer = info.timer.value;
  } else {
    record.pid = static_cast<uint32_t>(info.sender.pid);
    record.uid = info.sender.uid;
    record.value_pointer = info.sender.value;
  }
  record.value_int = static_cast<int32_t>(record.value_pointer);
  return record;
}

class SignalFile final : public File {
 public:
  SignalFile(Ref<Dentry> dentry, uint32_t flags, SigSet mask)
      : File(std::move(dentry), flags), mask_(mask) {}
  Result<uint64_t> Read(IoBuffer& to, uint64_t& position) override;
  // noop_llseek: the position stays where it is.
  Result<uint64_t> Seek(int64_t, int) override { return position(); }
  uint32_t Poll(PollTable* table) override {
    if (table != nullptr) {
      table->Wait(Readers());
    }
    return Pending() ? POLLIN | POLLRDNORM : 0;
  }
  bool IsSignalfd() const override { return true; }
  void ShowInfo(TextBuffer& out) override { out.Add("sigmask:\t%016lx\n", mask_); }
  void set_mask(SigSet mask) { mask_ = mask; }

 private:
  bool Pending() const {
    const Task& task = *CurrentTask();
    return ((task.pending.set | task.signal().shared_pending.set) & mask_) != 0;
  }
  void Destroy() override { DestroyObject(this); }
  SigSet mask_;
};

Result<uint64_t> SignalFile::Read(IoBuffer& to, uint64_t&) {
  if (to.remaining() < sizeof(Record)) {
    return Error(EINVAL);
  }
  if (!Pending()) {
    if (nonblocking()) {
      return Error(EAGAIN);
    }
    TRY(WaitUntil(Readers(), kNoDeadline, [&] { return Pending(); }));
  }
  while (to.remaining() >= sizeof(Record) && !to.faulted()) {
    SigInfo info;
    if (DequeueSignal(*CurrentTask(), mask_, info) == 0) {
      break;
    }
    const Record record = RecordOf(info);
    to.CopyOut(&record, sizeof(record));
  }
  return to.Outcome();
}

}  // namespace

Result<Ref<File>> MakeSignalfd(SigSet mask, uint32_t flags) {
  Ref<Dentry> dentry = TRY(MakeAnonymousDentry("anon_inode:[signalfd]"));
  SignalFile* file = MakeObject<SignalFile>(std::move(dentry), O_RDWR | (flags & O_NONBLOCK), mask);
  if (file == nullptr) {
    return Error(ENOMEM);
  }
  return Ref<File>::Adopt(file);
}

Status SetSignalfdMask(File& file, SigSet mask) {
  if (!file.IsSignalfd()) {
    return Error(EINVAL);
  }
  static_cast<SignalFile&>(file).set_mask(mask);
  WakeSignalfds();
  return Ok();
}

void WakeSignalfds() { Readers().WakeAll(); }

}  // namespace fv::guest
