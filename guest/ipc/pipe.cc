// SPDX-License-Identifier: Apache-2.0
//
// Pipes as files (pipe(7)) and fifos (fifo(7)). The inode owns the Pipe; an open file is an end of
// it. A writer without readers gets EPIPE and SIGPIPE; a reader without writers the end of file.
#include "guest/ipc/pipe.h"

#include <asm/ioctls.h>
#include <linux/capability.h>
#include <linux/fcntl.h>
#include <linux/fs.h>
#include <linux/poll.h>

#include "guest/fs/object.h"
#include "guest/fs/poll.h"
#include "guest/fs/task_hooks.h"
#include "guest/fs/vfs.h"
#include "guest/lib/print.h"
#include "guest/mm/user_copy.h"

namespace fv::guest {

namespace {

enum class FifoKind { kAnonymous, kNamed };

class PipeInode final : public Inode {
 public:
  PipeInode(Superblock& superblock, uint32_t mode, FifoKind kind)
      : Inode(superblock, mode), kind_(kind) {}
  Result<Ref<File>> Open(Ref<Dentry> dentry, uint32_t flags) override;
  // The data goes with the last open end; the ring is made by the first.
  Status Attach(bool reads, bool writes);
  void Detach(bool reads, bool writes);
  Pipe& pipe() { return pipe_; }
  PipeRing& ring() { return *pipe_.ring; }
  FifoKind kind() const { return kind_; }

 private:
  void Destroy() override { DestroyObject(this); }
  Pipe pipe_;
  FifoKind kind_;
};

class PipeFile final : public File {
 public:
  PipeFile(Ref<Dentry> dentry, uint32_t flags) : File(std::move(dentry), flags) {}
  Result<uint64_t> Read(IoBuffer& to, uint64_t& position) override;
  Result<uint64_t> Write(IoBuffer& from, uint64_t& position, const IoContext& context) override;
  uint32_t Poll(PollTable* table) override;
  bool spliceable() const override { return true; }
  Result<uint64_t> Ioctl(uint32_t command, uint64_t argument, Mm& mm) override;
  Result<uint64_t> PipeControl(int command, uint64_t argument) override;
  bool IsPipe() const override { return true; }
  PipeInode& node() const { return static_cast<PipeInode&>(inode()); }
  Pipe& pipe() const { return node().pipe(); }
  // The counts are this end's from now on.
  void set_attached() { attached_ = true; }

 private:
  void OnLastClose() override {
    if (attached_) {
      node().Detach(readable(), writable());
    }
  }
  void Destroy() override { DestroyObject(this); }
  Result<uint64_t> WriteSome(IoBuffer& from, PipeMode mode);
  bool attached_ = false;
};

Status PipeInode::Attach(bool reads, bool writes) {
  if (pipe_.ring == nullptr) {
    PipeRing* ring = MakeObject<PipeRing>();
    if (ring == nullptr) {
      return Error(ENOMEM);
    }
    if (const Status made = ring->Init(kPipeDefaultPages); !made.ok()) {
      DestroyObject(ring);
      return made.error();
    }
    pipe_.ring = ring;
  }
  pipe_.reader_count += reads ? 1 : 0;
  pipe_.reader_opens += reads ? 1 : 0;
  pipe_.writer_count += writes ? 1 : 0;
  pipe_.writer_opens += writes ? 1 : 0;
  return Ok();
}

void PipeInode::Detach(bool reads, bool writes) {
  pipe_.reader_count -= reads ? 1 : 0;
  pipe_.writer_count -= writes ? 1 : 0;
  if (pipe_.reader_count == 0 && pipe_.writer_count == 0) {
    DestroyObject(pipe_.ring);
    pipe_.ring = nullptr;
  }
  pipe_.readers.WakeAll();
  pipe_.writers.WakeAll();
}

Result<uint64_t> PipeFile::Read(IoBuffer& to, uint64_t&) {
  if (to.remaining() == 0) {
    return uint64_t{0};
  }
  PipeRing& ring = node().ring();
  bool slept = false;
  if (ring.empty()) {
    if (pipe().writer_count == 0) {
      return uint64_t{0};
    }
    if (nonblocking()) {
      return Error(EAGAIN);
    }
    TRY(WaitUntil(pipe().readers, kNoDeadline,
                  [&] { return !ring.empty() || pipe().writer_count == 0; }));
    slept = true;
  }
  const bool was_full = ring.full();
  const uint64_t moved = TRY(ring.Drain(to));
  if (was_full && !ring.full()) {
    pipe().writers.WakeAll();
  }
  if (slept && !ring.empty()) {
    pipe().readers.Wake(1);  // another reader may take the rest
  }
  inode().TouchAccess();
  return moved;
}

// What fits now. REQUIRES: there is room.
Result<uint64_t> PipeFile::WriteSome(IoBuffer& from, PipeMode mode) {
  PipeRing& ring = node().ring();
  const bool was_empty = ring.empty();
  const uint64_t moved = TRY(ring.Fill(from, mode));
  if ((was_empty || pipe().polled) && moved > 0) {
    pipe().readers.WakeAll();
  }
  return moved;
}

Result<uint64_t> PipeFile::Write(IoBuffer& from, uint64_t&, const IoContext&) {
  const size_t total = from.remaining();
  if (total == 0) {
    return uint64_t{0};
  }
  const PipeMode mode = (flags() & O_DIRECT) != 0 ? PipeMode::kPacket : PipeMode::kStream;
  PipeRing& ring = node().ring();
  // Up to PIPE_BUF all or nothing; more in pieces, as slots become free.
  const size_t needed = total <= kPipeBuf ? total : kPipeBuf;
  Status status = Ok();
  uint64_t written = 0;
  while (from.remaining() > 0 && !from.faulted() && status.ok()) {
    if (pipe().reader_count == 0) {
      SignalCurrentTask(kSignalPipe);
      status = Error(EPIPE);
    } else if (ring.RoomFor(needed, mode)) {
      const Result<uint64_t> moved = WriteSome(from, mode);
      status = moved.ok() ? Ok() : Status(moved.error());
      written += moved.ok() ? moved.value() : 0;
    } else if (nonblocking()) {
      status = Error(EAGAIN);
    } else {
      status = WaitUntil(pipe().writers, kNoDeadline,
                         [&] { return ring.RoomFor(needed, mode) || pipe().reader_count == 0; });
    }
  }
  if (written > 0) {
    inode().TouchModify();
    return written;
  }
  return status.error();
}

uint32_t PipeFile::Poll(PollTable* table) {
  Pipe& p = pipe();
  uint32_t events = 0;
  p.polled = true;
  if (readable()) {
    if (table != nullptr) {
      table->Wait(p.readers);
    }
    events |= node().ring().empty() ? 0 : POLLIN | POLLRDNORM;
    // A fifo that no writer has opened since is not hung up yet.
    events |= p.writer_count == 0 && p.writer_opens > 0 ? POLLHUP : 0;
  }
  if (writable()) {
    if (table != nullptr) {
      table->Wait(p.writers);
    }
    events |= node().ring().full() ? 0 : POLLOUT | POLLWRNORM;
    events |= p.reader_count == 0 ? POLLERR : 0;
  }
  return events;
}

Result<uint64_t> PipeFile::Ioctl(uint32_t command, uint64_t argument, Mm& mm) {
  if (command != FIONREAD) {
    return Error(ENOTTY);
  }
  TRY(WriteUser(mm, argument, static_cast<int>(node().ring().bytes())));
  return uint64_t{0};
}

Result<uint64_t> PipeFile::PipeControl(int command, uint64_t argument) {
  PipeRing& ring = node().ring();
  if (command == F_GETPIPE_SZ) {
    return uint64_t{ring.capacity()};
  }
  if (argument > uint64_t{1} << 31) {
    return Error(EINVAL);
  }
  size_t pages = 1;
  while (pages * proto::kPageBytes < argument) {
    pages *= 2;
  }
  const size_t bytes = pages * proto::kPageBytes;
  if (bytes > ring.capacity() && bytes > pipe_max_bytes &&
      !CurrentCredentials().Capable(CAP_SYS_RESOURCE)) {
    return Error(EPERM);
  }
  TRY(ring.Resize(pages));
  pipe().writers.WakeAll();
  return uint64_t{bytes};
}

Result<Ref<File>> MakeEnd(Ref<Dentry> dentry, uint32_t flags) {
  auto& node = static_cast<PipeInode&>(dentry->inode());
  PipeFile* end = MakeObject<PipeFile>(std::move(dentry), flags);
  if (end == nullptr) {
    return Error(ENOMEM);
  }
  Ref<File> file = Ref<File>::Adopt(end);
  TRY(node.Attach(end->readable(), end->writable()));
  end->set_attached();
  return file;
}

// fifo(7): a blocking open waits for the other end; O_WRONLY|O_NONBLOCK without reader is ENXIO.
Result<Ref<File>> PipeInode::Open(Ref<Dentry> dentry, uint32_t flags) {
  const uint32_t access = flags & O_ACCMODE;
  if (access == O_ACCMODE) {
    return Error(EINVAL);  // neither end
  }
  const bool nonblocking = (flags & O_NONBLOCK) != 0;
  if (access == O_WRONLY && nonblocking && pipe_.reader_count == 0) {
    return Error(ENXIO);
  }
  Ref<File> file = TRY(MakeEnd(std::move(dentry), flags & ~uint32_t{O_DIRECT}));
  pipe_.readers.WakeAll();
  pipe_.writers.WakeAll();
  if (nonblocking || kind_ == FifoKind::kAnonymous) {
    return file;
  }
  if (access == O_RDONLY && pipe_.writer_count == 0) {
    const uint64_t before = pipe_.writer_opens;
    TRY(WaitUntil(pipe_.readers, kNoDeadline, [&] { return pipe_.writer_opens != before; }));
  } else if (access == O_WRONLY && pipe_.reader_count == 0) {
    const uint64_t before = pipe_.reader_opens;
    TRY(WaitUntil(pipe_.writers, kNoDeadline, [&] { return pipe_.reader_opens != before; }));
  }
  return file;
}

}  // namespace

Result<Ref<Inode>> MakeFifoInode(Superblock& superblock, uint32_t mode) {
  PipeInode* inode = MakeObject<PipeInode>(superblock, mode, FifoKind::kNamed);
  if (inode == nullptr) {
    return Error(ENOSPC);  // of the file system that the name is in
  }
  return Ref<Inode>::Adopt(inode);
}

Result<PipeEnds> MakePipe(uint32_t flags) {
  PipeInode* node = MakeObject<PipeInode>(PipeSuperblock(), kTypeFifo | 0600, FifoKind::kAnonymous);
  if (node == nullptr) {
    return Error(ENFILE);  // as Linux reports a missing inode here (pipe(2))
  }
  Ref<Inode> inode = Ref<Inode>::Adopt(node);
  inode->uid = CurrentCredentials().fsuid;
  inode->gid = CurrentCredentials().fsgid;
  char name[32];
  const size_t length = Format(name, sizeof(name), "pipe:[%lu]", inode->number());
  Ref<Dentry> dentry = TRY(Dentry::Create(nullptr, name, length, std::move(inode)));
  PipeEnds ends;
  ends.reader = TRY(MakeEnd(dentry, O_RDONLY | (flags & O_NONBLOCK)));
  ends.writer = TRY(MakeEnd(dentry, O_WRONLY | (flags & (O_NONBLOCK | O_DIRECT))));
  return ends;
}

Pipe* PipeOf(File& file) {
  return file.inode().type() == kTypeFifo && file.IsPipe() ? &static_cast<PipeFile&>(file).pipe()
                                                           : nullptr;
}

}  // namespace fv::guest
