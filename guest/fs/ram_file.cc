// SPDX-License-Identifier: Apache-2.0
//
// Open regular files (read, write, seek, map) and open directories.
#include <asm/ioctls.h>
#include <linux/falloc.h>
#include <linux/fcntl.h>
#include <linux/fs.h>

#include "guest/fs/object.h"
#include "guest/fs/ramfs.h"
#include "guest/fs/task_hooks.h"
#include "guest/fs/vfs.h"
#include "guest/lib/string.h"
#include "guest/mm/frames.h"
#include "guest/mm/memory_object.h"
#include "guest/mm/user_copy.h"
#include "guest/mm/vma.h"

namespace fv::guest {

namespace {

constexpr uint64_t kMaxFileBytes = ~uint64_t{0} >> 1;  // loff_t

enum class Purpose { kUser, kExec };

class RamFile final : public File {
 public:
  RamFile(Ref<Dentry> dentry, uint32_t flags, Purpose purpose)
      : File(std::move(dentry), flags), purpose_(purpose) {
    if (purpose_ == Purpose::kExec) {
      --inode().write_count;
    } else if (writable()) {
      ++inode().write_count;
    }
  }
  Result<uint64_t> Read(IoBuffer& to, uint64_t& position) override;
  Result<uint64_t> Write(IoBuffer& from, uint64_t& position, const IoContext& context) override;
  Result<uint64_t> Seek(int64_t offset, int whence) override;
  bool seekable() const override { return true; }
  bool spliceable() const override { return true; }
  bool pollable() const override { return false; }
  Result<uint64_t> Ioctl(uint32_t command, uint64_t argument, Mm& mm) override;
  Result<Ref<MemoryObject>> MapObject() override { return Ref<MemoryObject>(object()); }
  Status Truncate(uint64_t bytes, const IoContext& context) override;
  Status Allocate(int mode, uint64_t offset, uint64_t length, const IoContext& context) override;
  Status Sync() override { return Ok(); }
  Result<uint64_t> SealControl(int command, uint64_t argument) override;

 private:
  // Errors: EPERM, when a seal forbids the file to become `bytes` long or to be written at all.
  Status CheckSeals(uint64_t bytes, bool writes);
  MemoryObject& object() const { return *inode().object(); }
  void OnLastClose() override {
    if (purpose_ == Purpose::kExec) {
      ++inode().write_count;
    } else if (writable()) {
      --inode().write_count;
    }
  }
  void Destroy() override { DestroyObject(this); }
  Purpose purpose_;
};

// How many of `bytes` may be written at `position`. Errors: EFBIG (with SIGXFSZ).
Result<uint64_t> WriteRoom(uint64_t position, uint64_t bytes, const IoContext& context) {
  if (bytes != 0 && position >= context.file_size_limit) {
    SignalCurrentTask(kSignalFileSize);
    return Error(EFBIG);
  }
  if (bytes != 0 && position >= kMaxFileBytes) {
    return Error(EFBIG);
  }
  const uint64_t end =
      context.file_size_limit < kMaxFileBytes ? context.file_size_limit : kMaxFileBytes;
  return bytes < end - position ? bytes : end - position;
}

// The first byte from `offset` on in a page that is there, or in one that is not; the end of the
// file begins a hole. Errors: ENXIO.
Result<uint64_t> FindByte(const MemoryObject& object, int64_t offset, int whence) {
  if (offset < 0 || static_cast<uint64_t>(offset) >= object.size()) {
    return Error(ENXIO);
  }
  const auto from = static_cast<uint64_t>(offset);
  uint64_t page = from / proto::kPageBytes;
  if (whence == SEEK_DATA) {
    page = object.NextPage(page);
    if (page == MemoryObject::kNoPage) {
      return Error(ENXIO);
    }
  } else {
    while (object.NextPage(page) == page) {
      ++page;
    }
  }
  const uint64_t start = page * proto::kPageBytes;
  const uint64_t found = start > from ? start : from;
  return found < object.size() ? found : object.size();
}

Result<uint64_t> RamFile::Seek(int64_t offset, int whence) {
  if (whence == SEEK_DATA || whence == SEEK_HOLE) {
    position() = TRY(FindByte(object(), offset, whence));
    return position();
  }
  return SeekWithin(position(), inode().size(), offset, whence);
}

Result<uint64_t> RamFile::Read(IoBuffer& to, uint64_t& position) {
  while (to.remaining() > 0 && position < object().size()) {
    const uint64_t in_page = position % proto::kPageBytes;
    uint64_t piece = proto::kPageBytes - in_page;
    piece = piece < object().size() - position ? piece : object().size() - position;
    const uint64_t page = position / proto::kPageBytes;
    const uint64_t pfn = object().FindOrFill(page);
    if (pfn != 0) {
      const auto* data = static_cast<const uint8_t*>(FrameData(pfn));
      position += to.CopyOut(data + in_page, piece);
    } else if (object().NextPage(page) == page) {  // no memory for what the archive has
      return to.done() > 0 ? Result<uint64_t>(to.done()) : Result<uint64_t>(Error(ENOMEM));
    } else {
      position += to.FillZero(piece);  // a hole stays one
    }
    if (to.faulted()) {
      break;
    }
  }
  inode().TouchAccess();
  return to.Outcome();
}

Result<uint64_t> RamFile::Write(IoBuffer& from, uint64_t& position, const IoContext& context) {
  if (context.append == AppendMode::kYes ||
      (context.append == AppendMode::kAsOpened && (flags() & O_APPEND) != 0)) {
    position = object().size();
  }
  from.Truncate(TRY(WriteRoom(position, from.remaining(), context)));
  if (from.remaining() == 0) {
    return uint64_t{0};
  }
  const uint64_t end = position + from.remaining();
  TRY(CheckSeals(end > object().size() ? end : object().size(), true));
  const uint64_t written =
      TRY(object().Write(position, from.remaining(),
                         [&from](void* to, size_t piece) { return from.CopyIn(to, piece); }));
  position += written;
  inode().TouchModify();
  DropPrivilegeBits(inode());
  return written;
}

Status RamFile::Truncate(uint64_t bytes, const IoContext& context) {
  if (!writable()) {
    return Error(EINVAL);
  }
  return TruncateChecked(inode(), bytes, context);
}

Status RamFile::Allocate(int mode, uint64_t offset, uint64_t length, const IoContext& context) {
  if (offset + length < offset || offset + length > kMaxFileBytes) {
    return Error(EFBIG);
  }
  const bool punches = (mode & FALLOC_FL_PUNCH_HOLE) != 0;
  const bool keeps = (mode & FALLOC_FL_KEEP_SIZE) != 0 || offset + length <= object().size();
  TRY(CheckSeals(keeps ? object().size() : offset + length, punches));
  if (punches) {
    TRY(object().PunchHole(offset, length));
    inode().TouchModify();
    return Ok();
  }
  if ((mode & ~FALLOC_FL_KEEP_SIZE) != 0) {
    return Error(EOPNOTSUPP);
  }
  const uint64_t old_size = object().size();
  const bool grows = offset + length > old_size && (mode & FALLOC_FL_KEEP_SIZE) == 0;
  if (grows && offset + length > context.file_size_limit) {
    SignalCurrentTask(kSignalFileSize);
    return Error(EFBIG);
  }
  const uint64_t end = grows || offset + length < old_size ? offset + length : old_size;
  const uint64_t first_page = offset / proto::kPageBytes;
  const uint64_t end_page = (end + proto::kPageBytes - 1) / proto::kPageBytes;
  if (!object().FitsQuota(first_page, end_page)) {
    return Error(ENOSPC);
  }
  if (grows) {
    TRY(object().Resize(offset + length));
  }
  for (uint64_t at = first_page; at < end_page; ++at) {
    if (const Result<uint64_t> page = object().GetPage(at); !page.ok()) {
      (void)object().Resize(old_size);
      return page.error();
    }
  }
  inode().TouchModify();
  return Ok();
}

bool HasSharedWritableMapping(MemoryObject& object) {
  for (const Vma& vma : ListView<Vma, &Vma::object_link>(object.mapping_list())) {
    if (vma.is_shared() && (vma.may & proto::kVmWrite) != 0) {
      return true;
    }
  }
  return false;
}

Status RamFile::CheckSeals(uint64_t bytes, bool writes) {
  const uint32_t seals = inode().seals;
  const bool broken = (writes && (seals & (F_SEAL_WRITE | F_SEAL_FUTURE_WRITE)) != 0) ||
                      (bytes < object().size() && (seals & F_SEAL_SHRINK) != 0) ||
                      (bytes > object().size() && (seals & F_SEAL_GROW) != 0);
  return broken ? Status(Error(EPERM)) : Ok();
}

Result<uint64_t> RamFile::SealControl(int command, uint64_t argument) {
  constexpr uint64_t kFixed = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_FUTURE_WRITE;
  Inode& node = inode();
  if (command == F_GET_SEALS) {
    return node.has_seals ? Result<uint64_t>(node.seals) : Result<uint64_t>(Error(EINVAL));
  }
  if (!writable()) {
    return Error(EPERM);
  }
  if (!node.has_seals || (argument & ~(kFixed | F_SEAL_SEAL | kSealExec)) != 0) {
    return Error(EINVAL);
  }
  if ((node.seals & F_SEAL_SEAL) != 0) {
    return Error(EPERM);
  }
  if ((argument & F_SEAL_WRITE) != 0 && HasSharedWritableMapping(object())) {
    return Error(EBUSY);
  }
  if ((argument & kSealExec) != 0 && (node.mode() & kModeExec) != 0) {
    argument |= kFixed;  // what can be executed never changes again
  }
  node.seals |= static_cast<uint32_t>(argument);
  return uint64_t{0};
}

Result<uint64_t> RamFile::Ioctl(uint32_t command, uint64_t argument, Mm& mm) {
  if (command == FIONREAD) {
    const uint64_t size = inode().size();
    const int left = position() < size ? static_cast<int>(size - position()) : 0;
    TRY(WriteUser(mm, argument, left));
    return uint64_t{0};
  }
  return Error(ENOTTY);
}

class DirectoryFile final : public File {
 public:
  DirectoryFile(Ref<Dentry> dentry, uint32_t flags) : File(std::move(dentry), flags) {}
  Result<uint64_t> Read(IoBuffer&, uint64_t&) override { return Error(EISDIR); }
  bool seekable() const override { return true; }
  bool pollable() const override { return false; }
  Status Sync() override { return Ok(); }
  Result<uint64_t> Seek(int64_t offset, int whence) override {
    if (whence == SEEK_END) {
      return Error(EINVAL);
    }
    return SeekWithin(position(), 0, offset, whence);
  }
  Status ReadDir(DirSink& sink) override;

 private:
  void Destroy() override { DestroyObject(this); }
};

Status DirectoryFile::ReadDir(DirSink& sink) {
  constexpr unsigned kDirectoryType = 4;  // DT_DIR
  if (dentry().unlinked()) {
    return Error(ENOENT);
  }
  if (position() == 0) {
    if (!sink.Entry(".", 1, inode().number(), kDirectoryType, 1)) {
      return Ok();
    }
    position() = 1;
  }
  if (position() == 1) {
    const Ref<Dentry> up = ParentAcrossMounts(dentry());
    if (!sink.Entry("..", 2, up->inode().number(), kDirectoryType, 2)) {
      return Ok();
    }
    position() = 2;
  }
  inode().TouchAccess();
  return inode().ListChildren(dentry(), sink, position());
}

class PathFile final : public File {
 public:
  PathFile(Ref<Dentry> dentry, uint32_t flags) : File(std::move(dentry), flags) {}

 private:
  void Destroy() override { DestroyObject(this); }
};

template <typename T, typename... Args>
Result<Ref<File>> MakeFile(Args&&... args) {
  T* file = MakeObject<T>(std::forward<Args>(args)...);
  if (file == nullptr) {
    return Error(ENOMEM);
  }
  return Ref<File>::Adopt(file);
}

}  // namespace

Result<Ref<File>> OpenDirectory(Ref<Dentry> dentry, uint32_t flags) {
  return MakeFile<DirectoryFile>(std::move(dentry), flags);
}

Result<Ref<File>> OpenPathOnly(Ref<Dentry> dentry, uint32_t flags) {
  constexpr uint32_t kKept = O_PATH | O_DIRECTORY | O_NOFOLLOW;
  return MakeFile<PathFile>(std::move(dentry), flags & kKept);
}

Result<Ref<File>> OpenRegular(Ref<Dentry> dentry, uint32_t flags) {
  return MakeFile<RamFile>(std::move(dentry), flags, Purpose::kUser);
}

Result<Ref<File>> OpenRegularForExec(Ref<Dentry> dentry) {
  return MakeFile<RamFile>(std::move(dentry), uint32_t{O_RDONLY}, Purpose::kExec);
}

}  // namespace fv::guest
