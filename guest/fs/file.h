// SPDX-License-Identifier: Apache-2.0
//
// File: an open file description (open(2)): what dup and fork share. Status flags, position, and
// the operations of whatever is behind it; every default refuses with Linux's error. Descriptors
// live in FdTable. Concrete files are final classes allocated with MakeObject (object.h).
// Locking: f_pos_lock would guard position(); one vCPU needs none. Reference counted.
#pragma once

#include <cstddef>
#include <cstdint>

#include "guest/fs/io_buffer.h"
#include "guest/lib/list.h"
#include "guest/lib/pid.h"
#include "guest/lib/ref.h"
#include "guest/lib/result.h"
#include "guest/lib/wait_queue.h"
#include "proto/process_records.h"

namespace fv::guest {

class Dentry;
class Inode;
class MemoryObject;
class PollTable;
class TextBuffer;
struct Credentials;

// Where a write goes: as O_APPEND says, or as one call asks (RWF_APPEND, RWF_NOAPPEND).
enum class AppendMode : uint8_t { kAsOpened, kYes, kNo };

// What a transfer must know of its caller, passed down so that fs needs no Task.
struct IoContext {
  uint64_t file_size_limit = ~uint64_t{0};  // RLIMIT_FSIZE
  AppendMode append = AppendMode::kAsOpened;
};

// Receives directory entries in order; false ends the scan before the entry is taken.
class DirSink {
 public:
  // `cookie`: the position from which a later call continues after this entry.
  // `type`: a DT_* value.
  virtual bool Entry(const char* name, size_t length, uint64_t inode, unsigned type,
                     uint64_t cookie) = 0;

 protected:
  ~DirSink() = default;
};

// Operations of a file without position are called with it all the same and leave it alone.
class File : public proto::FileRecord {
 public:
  File(const File&) = delete;
  File& operator=(const File&) = delete;

  void AddRef() { ++holders; }
  // The last reference runs OnLastClose() and frees the file.
  void Release();
  uint32_t refs() const { return holders; }

  // O_ACCMODE, O_APPEND, O_NONBLOCK, O_DIRECTORY, O_PATH... as open(2) got them, without the
  // creation flags.
  uint32_t flags() const { return status; }
  // F_SETFL: only O_APPEND, O_NONBLOCK, O_ASYNC, O_DIRECT, O_NOATIME change.
  void SetStatusFlags(uint32_t flags);
  bool readable() const;
  bool writable() const;
  bool nonblocking() const;
  bool path_only() const;  // O_PATH
  uint64_t& position() { return position_; }
  // The name it was opened by; never null. Anonymous objects have a name like "pipe:[7]".
  Dentry& dentry() const { return *dentry_; }
  Inode& inode() const;
  // Return the count; at end of file 0. May block unless nonblocking(). Callers have checked
  // readable()/writable(). Errors: EAGAIN, kErestartSys, EFAULT, EISDIR, EPIPE, EFBIG, ENOSPC...
  virtual Result<uint64_t> Read(IoBuffer& to, uint64_t& position);
  virtual Result<uint64_t> Write(IoBuffer& from, uint64_t& position, const IoContext& context);
  // lseek(2); returns the new position. Default ESPIPE.
  virtual Result<uint64_t> Seek(int64_t offset, int whence);
  // pread and pwrite are allowed (else ESPIPE).
  virtual bool seekable() const { return false; }
  // splice(2) and sendfile(2) move data from and to it (else EINVAL).
  virtual bool spliceable() const { return false; }
  // ioctl(2); `argument` is a user address in `mm` for most commands. Default ENOTTY.
  virtual Result<uint64_t> Ioctl(uint32_t command, uint64_t argument, Mm& mm);
  // Ready POLL* bits now; with `table` registers the caller on the queues that signal a change.
  virtual uint32_t Poll(PollTable* table);
  // epoll may watch it; false for files that are always ready (EPERM).
  virtual bool pollable() const { return true; }
  // Feeds entries from position() on, "." and ".." included. Default ENOTDIR.
  virtual Status ReadDir(DirSink& sink);
  // The object that mmap(2) maps; a null Ref in a good result: map anonymous memory instead
  // (/dev/zero). Default ENODEV. The caller checks readable()/writable() against the protection.
  virtual Result<Ref<MemoryObject>> MapObject();
  // ftruncate(2) and fallocate(2). Default EINVAL, ESPIPE for pipes; ENODEV.
  virtual Status Truncate(uint64_t bytes, const IoContext& context);
  virtual Status Allocate(int mode, uint64_t offset, uint64_t length, const IoContext& context);
  virtual Status Sync();
  // It is an end of a Pipe (guest/ipc/pipe.h).
  virtual bool IsPipe() const { return false; }
  // It is a socket (guest/ipc/unix_socket.h); other descriptors give ENOTSOCK.
  virtual bool IsSocket() const { return false; }
  // It is of another particular class: guest/fs/epoll.h, guest/task/{timerfd,signalfd}.h,
  // guest/ipc/mqueue.h.
  virtual bool IsEpoll() const { return false; }
  virtual bool IsTimerfd() const { return false; }
  virtual bool IsSignalfd() const { return false; }
  virtual bool IsMqueue() const { return false; }
  // The calling process closes one of its descriptors of the file, not always the last (Linux:
  // flush).
  virtual void OnDescriptorClose() {}
  // F_GETPIPE_SZ and F_SETPIPE_SZ. Default EBADF.
  virtual Result<uint64_t> PipeControl(int command, uint64_t argument);
  // F_ADD_SEALS and F_GET_SEALS (memfd_create(2)). Default EINVAL.
  virtual Result<uint64_t> SealControl(int command, uint64_t argument);
  // Lines for /proc/PID/fdinfo beyond pos, flags, mnt_id, ino (proc_pid_fdinfo(5)).
  virtual void ShowInfo(TextBuffer& out);

  // The epoll items that watch it (epoll.h).
  proto::Link epoll_items{0, 0};
  // The open made the name (F_CREATED_QUERY).
  bool created = false;
  // F_SETOWN, F_SETOWN_EX and F_SETSIG; kept, no signal-driven I/O.
  Ref<Pid> owner;
  int owner_type = 0;  // F_OWNER_TID, F_OWNER_PID, F_OWNER_PGRP
  uint32_t owner_signal = 0;

 protected:
  File(Ref<Dentry> dentry, uint32_t flags);
  ~File();
  virtual void OnLastClose() {}
  // Frees the memory: DestroyObject(this) of the concrete class.
  virtual void Destroy() = 0;

 private:
  uint64_t position_ = 0;
  Ref<Dentry> dentry_;
};

// The head of the list of all files.
proto::Link& OpenFiles();

// lseek(2) on something of `size` bytes, for implementations of Seek. Errors: EINVAL, ENXIO.
Result<uint64_t> SeekWithin(uint64_t& position, uint64_t size, int64_t offset, int whence);

}  // namespace fv::guest
