// SPDX-License-Identifier: Apache-2.0
//
// The files of the kernel's log. /proc/kmsg takes messages as syslog(2) does; an open /dev/kmsg has
// a position of its own and gives one record a read, with everything that is not plain ASCII
// escaped; what is written to it becomes a message.
#include <linux/fcntl.h>
#include <linux/fs.h>
#include <linux/poll.h>

#include "guest/fs/log_reader.h"
#include "guest/fs/object.h"
#include "guest/fs/poll.h"
#include "guest/introspect/introspect.h"
#include "guest/lib/kernel_log.h"
#include "guest/lib/print.h"

namespace fv::guest {
namespace {

constexpr uint32_t kReadable = POLLIN | POLLRDNORM;
constexpr size_t kWriteMax = 1024;
constexpr uint32_t kUserFacility = 1;  // LOG_USER of syslog(3)
constexpr uint64_t kNsPerUs = 1'000;

class ProcKmsg final : public File {
 public:
  ProcKmsg(Ref<Dentry> dentry, uint32_t flags) : File(std::move(dentry), flags) {}
  Result<uint64_t> Read(IoBuffer& to, uint64_t&) override {
    if (nonblocking() && UntakenLogBytes() == 0) {
      return Error(EAGAIN);
    }
    return to.remaining() == 0 ? Result<uint64_t>(uint64_t{0}) : TakeLog(to);
  }
  Result<uint64_t> Write(IoBuffer&, uint64_t&, const IoContext&) override { return Error(EIO); }
  uint32_t Poll(PollTable* table) override {
    if (table != nullptr) {
      table->Wait(SystemLog().appended);
    }
    return UntakenLogBytes() > 0 ? kReadable : 0;
  }

 private:
  void Destroy() override { DestroyObject(this); }
};

class DevKmsg final : public File {
 public:
  DevKmsg(Ref<Dentry> dentry, uint32_t flags)
      : File(std::move(dentry), flags), next_(SystemLog().first()) {}
  Result<uint64_t> Read(IoBuffer& to, uint64_t& position) override;
  Result<uint64_t> Write(IoBuffer& from, uint64_t& position, const IoContext& context) override;
  Result<uint64_t> Seek(int64_t offset, int whence) override;
  bool seekable() const override { return true; }
  uint32_t Poll(PollTable* table) override;

 private:
  void Destroy() override { DestroyObject(this); }
  uint64_t next_;  // sequence of the record to read
};

// "priority,sequence,microseconds,-;text\n". `out` has room for a record of nothing but escapes.
struct Exported {
  char text[64 + 4 * sizeof(LogRecord::text)];
  size_t length;
};
Exported Export(const LogRecord& record, uint64_t sequence) {
  Exported out;
  size_t at = Format(out.text, sizeof(out.text), "%u,%lu,%lu,-;", unsigned{record.priority},
                     sequence, record.time_ns / kNsPerUs);
  for (size_t i = 0; i < record.length; ++i) {
    const auto byte = static_cast<uint8_t>(record.text[i]);
    const bool plain = byte >= ' ' && byte < 0x7f && byte != '\\';
    at += Format(out.text + at, sizeof(out.text) - at, plain ? "%c" : "\\x%02x", byte);
  }
  out.text[at++] = '\n';
  out.length = at;
  return out;
}

Result<uint64_t> DevKmsg::Read(IoBuffer& to, uint64_t&) {
  const KernelLog& log = SystemLog();
  if (next_ >= log.next()) {
    if (nonblocking()) {
      return Error(EAGAIN);
    }
    TRY(WaitUntil(SystemLog().appended, kNoDeadline, [&] { return next_ < log.next(); }));
  }
  if (next_ < log.first()) {  // said once; the next read goes on with what is left
    next_ = log.first();
    return Error(EPIPE);
  }
  const Exported record = Export(log.At(next_), next_);
  if (record.length > to.remaining()) {
    return Error(EINVAL);
  }
  ++next_;
  return to.CopyOut(record.text, record.length) == record.length
             ? Result<uint64_t>(uint64_t{record.length})
             : Result<uint64_t>(Error(EFAULT));
}

// The number in "<N>" at the start of a message and how long that is; 0 long: there is none.
struct Prefix {
  uint32_t priority = 0;
  size_t length = 0;
};
Prefix ParsePrefix(const char* text, size_t length) {
  Prefix prefix;
  size_t at = 1;
  for (; at < length && text[at] >= '0' && text[at] <= '9'; ++at) {
    prefix.priority = prefix.priority * 10 + static_cast<uint32_t>(text[at] - '0');
  }
  if (length > 1 && text[0] == '<' && at < length && text[at] == '>') {
    prefix.length = at + 1;
  }
  return prefix;
}

Result<uint64_t> DevKmsg::Write(IoBuffer& from, uint64_t&, const IoContext&) {
  const size_t length = from.remaining();
  if (length > kWriteMax) {
    return Error(EINVAL);
  }
  char text[kWriteMax];
  if (from.CopyIn(text, length) != length) {
    return Error(EFAULT);
  }
  const Prefix prefix = ParsePrefix(text, length);
  uint32_t level = static_cast<uint32_t>(SystemLog().levels.message);
  uint32_t facility = kUserFacility;
  if (prefix.length > 0) {
    level = prefix.priority & 7;
    facility = prefix.priority >> 3 != 0 ? prefix.priority >> 3 : kUserFacility;
  }
  WriteLog(static_cast<uint8_t>(facility << 3 | (level & 7)), text + prefix.length,
           length - prefix.length);
  return uint64_t{length};
}

Result<uint64_t> DevKmsg::Seek(int64_t offset, int whence) {
  if (offset != 0) {
    return Error(ESPIPE);
  }
  switch (whence) {
    case SEEK_SET:
      next_ = SystemLog().first();
      return uint64_t{0};
    case SEEK_DATA:
      next_ = FirstShownLog();
      return uint64_t{0};
    case SEEK_END:
      next_ = SystemLog().next();
      return uint64_t{0};
    default:
      return Error(EINVAL);
  }
}

uint32_t DevKmsg::Poll(PollTable* table) {
  if (table != nullptr) {
    table->Wait(SystemLog().appended);
  }
  if (next_ >= SystemLog().next()) {
    return 0;
  }
  return next_ < SystemLog().first() ? kReadable | POLLERR | POLLPRI : kReadable;
}

template <typename T>
Result<Ref<File>> Make(Ref<Dentry> dentry, uint32_t flags) {
  T* file = MakeObject<T>(std::move(dentry), flags);
  if (file == nullptr) {
    return Error(ENOMEM);
  }
  return Ref<File>::Adopt(file);
}

}  // namespace

Result<Ref<File>> OpenProcKmsg(Ref<Dentry> dentry, uint32_t flags) {
  TRY(MayUseLog(LogAccess::kPrivileged));
  return Make<ProcKmsg>(std::move(dentry), flags);
}

Result<Ref<File>> OpenDevKmsg(Ref<Dentry> dentry, uint32_t flags) {
  if ((flags & O_ACCMODE) != O_WRONLY) {
    TRY(MayUseLog(LogAccess::kShow));
  }
  return Make<DevKmsg>(std::move(dentry), flags);
}

}  // namespace fv::guest
