// SPDX-License-Identifier: Apache-2.0
//
// The defaults of File: what Linux answers when a file has no such operation.
#include "guest/fs/file.h"

#include <linux/fcntl.h>
#include <linux/fs.h>
#include <linux/poll.h>

#include "guest/fs/dentry.h"
#include "guest/fs/epoll.h"
#include "guest/fs/file_lock.h"
#include "guest/mm/memory_object.h"

namespace fv::guest {

namespace {

constexpr uint32_t kSettable = O_APPEND | O_NONBLOCK | FASYNC | O_DIRECT | O_NOATIME;
// Not kept: they only steer open(2).
constexpr uint32_t kCreationFlags = O_CREAT | O_EXCL | O_NOCTTY | O_TRUNC | O_CLOEXEC;

constinit proto::Link g_open_files{0, 0};
using Files = ListView<File, &proto::FileRecord::open_files>;

}  // namespace

proto::Link& OpenFiles() { return ReadyHead(g_open_files); }

File::File(Ref<Dentry> dentry, uint32_t flags)
    : FileRecord{proto::kFileMagic, {0, 0}, 1, flags & ~kCreationFlags, 0},
      dentry_(std::move(dentry)) {
  static_assert(sizeof(void*) == proto::kFileRecordOffset);
  Files(OpenFiles()).PushBack(*this);
}

File::~File() { Unlink(open_files); }

void File::Release() {
  if (--holders == 0) {
    ForgetEpollItems(*this);
    OnLastClose();
    ReleaseFileLocks(inode(), this);
    Destroy();
  }
}

void File::SetStatusFlags(uint32_t flags) { status = (status & ~kSettable) | (flags & kSettable); }

bool File::readable() const {
  return !path_only() && (status & O_ACCMODE) != O_WRONLY && (status & O_ACCMODE) != O_ACCMODE;
}

bool File::writable() const {
  const uint32_t mode = status & O_ACCMODE;
  return !path_only() && (mode == O_WRONLY || mode == O_RDWR);
}

bool File::nonblocking() const { return (status & O_NONBLOCK) != 0; }
bool File::path_only() const { return (status & O_PATH) != 0; }
Inode& File::inode() const { return dentry_->inode(); }

Result<uint64_t> File::Read(IoBuffer&, uint64_t&) { return Error(EINVAL); }
Result<uint64_t> File::Write(IoBuffer&, uint64_t&, const IoContext&) { return Error(EINVAL); }
Result<uint64_t> File::Seek(int64_t, int) { return Error(ESPIPE); }
Result<uint64_t> File::Ioctl(uint32_t, uint64_t, Mm&) { return Error(ENOTTY); }
uint32_t File::Poll(PollTable*) { return POLLIN | POLLOUT | POLLRDNORM | POLLWRNORM; }
Status File::ReadDir(DirSink&) { return Error(ENOTDIR); }
Result<Ref<MemoryObject>> File::MapObject() { return Error(ENODEV); }
Status File::Truncate(uint64_t, const IoContext&) { return Error(EINVAL); }
Status File::Allocate(int, uint64_t, uint64_t, const IoContext&) { return Error(ENODEV); }
Status File::Sync() { return Error(EINVAL); }
Result<uint64_t> File::PipeControl(int, uint64_t) { return Error(EBADF); }
Result<uint64_t> File::SealControl(int, uint64_t) { return Error(EINVAL); }
void File::ShowInfo(TextBuffer&) {}

Result<uint64_t> SeekWithin(uint64_t& position, uint64_t size, int64_t offset, int whence) {
  int64_t base = 0;
  switch (whence) {
    case SEEK_SET:
      break;
    case SEEK_CUR:
      base = static_cast<int64_t>(position);
      break;
    case SEEK_END:
      base = static_cast<int64_t>(size);
      break;
    case SEEK_DATA:
    case SEEK_HOLE:
      // No holes are told apart: all is data up to the end, where the one hole begins.
      if (offset < 0 || static_cast<uint64_t>(offset) >= size) {
        return Error(ENXIO);
      }
      base = whence == SEEK_HOLE ? static_cast<int64_t>(size) - offset : 0;
      break;
    default:
      return Error(EINVAL);
  }
  int64_t target;
  if (__builtin_add_overflow(base, offset, &target) || target < 0) {
    return Error(EINVAL);
  }
  position = static_cast<uint64_t>(target);
  return position;
}

}  // namespace fv::guest
