// SPDX-License-Identifier: Apache-2.0
//
// timerfd(2). Deadlines are kept on the monotonic clock; nothing sets the other one.
#include "guest/task/timerfd.h"

#include <linux/fcntl.h>
#include <linux/poll.h>

#include "guest/arch/arch.h"
#include "guest/fs/anonymous.h"
#include "guest/fs/object.h"
#include "guest/fs/poll.h"
#include "guest/fs/text_buffer.h"
#include "guest/task/timer.h"

namespace fv::guest {

namespace {

constexpr uint64_t kNsPerSecond = 1'000'000'000;

class TimerFile final : public File {
 public:
  TimerFile(Ref<Dentry> dentry, uint32_t flags, TimerfdClock clock)
      : File(std::move(dentry), flags), clock_(clock) {
    timer_.fire = Fire;
    timer_at = AddressOf(&timer_);
  }
  Result<uint64_t> Read(IoBuffer& to, uint64_t& position) override;
  // noop_llseek: the position stays where it is.
  Result<uint64_t> Seek(int64_t, int) override { return position(); }
  uint32_t Poll(PollTable* table) override;
  bool IsTimerfd() const override { return true; }
  void ShowInfo(TextBuffer& out) override;
  TimerfdSetting Get() const;
  void Set(const TimerfdSetting& setting, TimerfdStart start);

 private:
  static void Fire(Timer& timer) { TimerOwner<TimerFile, &TimerFile::timer_>(timer).Expire(); }
  void Expire();
  void OnLastClose() override { CancelTimer(timer_); }
  void Destroy() override { DestroyObject(this); }

  Timer timer_;
  uint64_t deadline_ns_ = 0;  // 0: disarmed
  uint64_t interval_ns_ = 0;
  uint64_t expirations_ = 0;
  WaitQueue readers_;
  TimerfdClock clock_;
  TimerfdStart start_ = TimerfdStart::kRelative;
};

void TimerFile::Expire() {
  const uint64_t now = MonotonicNs();
  ++expirations_;
  if (interval_ns_ == 0) {
    deadline_ns_ = 0;
  } else {
    const uint64_t missed = now > deadline_ns_ ? (now - deadline_ns_) / interval_ns_ : 0;
    expirations_ += missed;
    deadline_ns_ += (missed + 1) * interval_ns_;
    ArmTimer(timer_, deadline_ns_);
  }
  readers_.WakeAll();
}

Result<uint64_t> TimerFile::Read(IoBuffer& to, uint64_t&) {
  if (to.remaining() < sizeof(uint64_t)) {
    return Error(EINVAL);
  }
  if (expirations_ == 0) {
    if (nonblocking()) {
      return Error(EAGAIN);
    }
    TRY(WaitUntil(readers_, kNoDeadline, [&] { return expirations_ > 0; }));
  }
  const uint64_t count = expirations_;
  expirations_ = 0;
  return to.CopyOut(&count, sizeof(count)) == sizeof(count) ? Result<uint64_t>(sizeof(count))
                                                            : Result<uint64_t>(Error(EFAULT));
}

uint32_t TimerFile::Poll(PollTable* table) {
  if (table != nullptr) {
    table->Wait(readers_);
  }
  return expirations_ > 0 ? POLLIN | POLLRDNORM : 0;
}

TimerfdSetting TimerFile::Get() const {
  const uint64_t now = MonotonicNs();
  // An armed timer that is due shows one nanosecond: 0 would mean disarmed.
  const uint64_t left = deadline_ns_ > now ? deadline_ns_ - now : 1;
  return {interval_ns_, deadline_ns_ == 0 ? 0 : left};
}

void TimerFile::ShowInfo(TextBuffer& out) {
  const TimerfdSetting now = Get();
  out.Add("clockid: %d\nticks: %lu\nsettime flags: 0%u\nit_value: (%lu, %lu)\n",
          static_cast<int>(clock_), expirations_, static_cast<unsigned>(start_),
          now.value_ns / kNsPerSecond, now.value_ns % kNsPerSecond);
  out.Add("it_interval: (%lu, %lu)\n", now.interval_ns / kNsPerSecond,
          now.interval_ns % kNsPerSecond);
}

void TimerFile::Set(const TimerfdSetting& setting, TimerfdStart start) {
  CancelTimer(timer_);
  start_ = start;
  expirations_ = 0;
  interval_ns_ = setting.interval_ns;
  deadline_ns_ = 0;
  if (setting.value_ns == 0) {
    return;
  }
  const uint64_t now = MonotonicNs();
  uint64_t deadline = setting.value_ns;
  if (start == TimerfdStart::kRelative) {
    deadline = deadline > kNoDeadline - 1 - now ? kNoDeadline - 1 : now + deadline;
  } else if (clock_ == TimerfdClock::kRealtime) {
    const uint64_t offset = RealtimeNs() - now;
    deadline = deadline > offset ? deadline - offset : 1;
  }
  deadline_ns_ = deadline;
  ArmTimer(timer_, deadline_ns_);
}

}  // namespace

Result<Ref<File>> MakeTimerfd(TimerfdClock clock, uint32_t flags) {
  Ref<Dentry> dentry = TRY(MakeAnonymousDentry("anon_inode:[timerfd]"));
  TimerFile* file = MakeObject<TimerFile>(std::move(dentry), O_RDWR | (flags & O_NONBLOCK), clock);
  if (file == nullptr) {
    return Error(ENOMEM);
  }
  return Ref<File>::Adopt(file);
}

Result<TimerfdSetting> SetTimerfd(File& file, const TimerfdSetting& setting, TimerfdStart start) {
  const TimerfdSetting old = TRY(GetTimerfd(file));
  static_cast<TimerFile&>(file).Set(setting, start);
  return old;
}

Result<TimerfdSetting> GetTimerfd(File& file) {
  if (!file.IsTimerfd()) {
    return Error(EINVAL);
  }
  return static_cast<TimerFile&>(file).Get();
}

}  // namespace fv::guest
