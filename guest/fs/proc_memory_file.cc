// SPDX-License-Identifier: Apache-2.0
//
// Files of /proc/PID that are memory, not text: mem (the address space at the file's position) and
// pagemap (8 bytes a page; Linux: Documentation/admin-guide/mm/pagemap.rst).
#include <linux/capability.h>
#include <linux/fs.h>

#include "guest/fs/object.h"
#include "guest/fs/proc_inode.h"
#include "guest/fs/proc_mm.h"
#include "guest/lib/credentials.h"
#include "guest/mm/frames.h"
#include "guest/mm/page_table.h"
#include "guest/mm/reverse_map.h"
#include "guest/mm/user_copy.h"

namespace fv::guest {

namespace {

// Shows the address space that the task had when the file was opened, as long as that is used.
class MemoryFile : public File {
 public:
  Result<uint64_t> Seek(int64_t offset, int whence) override {
    // Addresses have no end to seek from; the upper half is legal, if useless.
    if (whence == SEEK_SET) {
      position() = static_cast<uint64_t>(offset);
      return position();
    }
    return whence == SEEK_CUR ? SeekWithin(position(), 0, offset, whence)
                              : Result<uint64_t>(Error(EINVAL));
  }
  bool seekable() const override { return true; }
  bool pollable() const override { return false; }

 protected:
  MemoryFile(Ref<Dentry> dentry, uint32_t flags, Mm& mm) : File(std::move(dentry), flags), mm_(mm) {
    mm_.Grab();
  }
  ~MemoryFile() { mm_.Drop(); }
  // With a use of its own; none once nobody uses it any more.
  MmRef Use() const {
    if (mm_.users == 0) {
      return MmRef(nullptr);
    }
    mm_.Get();
    return MmRef(&mm_);
  }

 private:
  Mm& mm_;
};

class MemFile final : public MemoryFile {
 public:
  MemFile(Ref<Dentry> dentry, uint32_t flags, Mm& mm) : MemoryFile(std::move(dentry), flags, mm) {}
  Result<uint64_t> Read(IoBuffer& to, uint64_t& position) override {
    return Copy(to, position, Way::kRead);
  }
  Result<uint64_t> Write(IoBuffer& from, uint64_t& position, const IoContext&) override {
    return Copy(from, position, Way::kWrite);
  }

 private:
  enum class Way { kRead, kWrite };
  Result<uint64_t> Copy(IoBuffer& buffer, uint64_t& position, Way way) {
    const MmRef mm = Use();
    uint64_t done = 0;
    uint8_t piece[512];
    while (mm && buffer.remaining() > 0 && !buffer.faulted()) {
      const size_t bytes = buffer.remaining() < sizeof(piece) ? buffer.remaining() : sizeof(piece);
      size_t moved = 0;
      if (way == Way::kRead) {
        moved = CopyFromUserForced(*mm, piece, position, bytes);
        moved = buffer.CopyOut(piece, moved);
      } else {
        moved = CopyToUserForced(*mm, position, piece, buffer.CopyIn(piece, bytes));
      }
      position += moved;
      done += moved;
      if (moved < bytes) {
        break;
      }
    }
    if (done > 0 || !mm || (buffer.remaining() == 0 && buffer.done() == 0)) {
      return done;
    }
    return Error(buffer.faulted() ? EFAULT : EIO);
  }
  void Destroy() override { DestroyObject(this); }
};

class PagemapFile final : public MemoryFile {
 public:
  PagemapFile(Ref<Dentry> dentry, uint32_t flags, Mm& mm)
      : MemoryFile(std::move(dentry), flags, mm) {}
  Result<uint64_t> Read(IoBuffer& to, uint64_t& position) override;

 private:
  static uint64_t EntryOf(const Mm& mm, uint64_t address, bool show_frame);
  void Destroy() override { DestroyObject(this); }
};

uint64_t PagemapFile::EntryOf(const Mm& mm, uint64_t address, bool show_frame) {
  constexpr uint64_t kPresent = uint64_t{1} << 63;
  constexpr uint64_t kFile = uint64_t{1} << 61;
  constexpr uint64_t kGuard = uint64_t{1} << 58;
  constexpr uint64_t kExclusive = uint64_t{1} << 56;
  const proto::Pte* pte = LookupPte(mm, address);
  if (pte == nullptr || (*pte & proto::kPtePresent) == 0) {
    return 0;
  }
  if ((*pte & proto::kPteGuard) != 0) {
    return kGuard;
  }
  const uint64_t pfn = PfnOfPte(*pte);
  uint64_t entry = kPresent | (show_frame ? pfn : 0);
  entry |= FrameOf(pfn).state == proto::FrameState::kFile ? kFile : 0;
  return entry | (MappersOf(mm, address, pfn) == 1 ? kExclusive : 0);
}

Result<uint64_t> PagemapFile::Read(IoBuffer& to, uint64_t& position) {
  constexpr uint64_t kEntryBytes = 8;
  if (position % kEntryBytes != 0 || to.remaining() % kEntryBytes != 0) {
    return Error(EINVAL);
  }
  const MmRef mm = Use();
  const bool show_frame = CurrentCredentials().Capable(CAP_SYS_ADMIN);
  while (mm && to.remaining() > 0 && !to.faulted()) {
    const uint64_t page = position / kEntryBytes;
    if (page >= proto::kUserEnd / proto::kPageBytes) {
      break;
    }
    const uint64_t entry = EntryOf(*mm, page * proto::kPageBytes, show_frame);
    position += to.CopyOut(&entry, kEntryBytes);
  }
  return to.Outcome();
}

template <typename T>
Result<Ref<File>> Make(Ref<Dentry> dentry, uint32_t flags, Mm& mm) {
  T* file = MakeObject<T>(std::move(dentry), flags, mm);
  if (file == nullptr) {
    return Error(ENOMEM);
  }
  return Ref<File>::Adopt(file);
}

}  // namespace

Result<Ref<File>> OpenTaskMemory(Ref<Dentry> dentry, uint32_t flags) {
  const auto& node = static_cast<const ProcInode&>(dentry->inode());
  const MmRef mm(TRY(GetTaskMm(node.key().task)));
  if (!mm) {
    return Error(ESRCH);
  }
  return node.node().kind == ProcKind::kMem ? Make<MemFile>(std::move(dentry), flags, *mm)
                                            : Make<PagemapFile>(std::move(dentry), flags, *mm);
}

}  // namespace fv::guest
