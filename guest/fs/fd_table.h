// SPDX-License-Identifier: Apache-2.0
//
// FdTable: a process's descriptors (Linux's files_struct). Slots live in chunks of 64 under a
// two-level directory, so a table of a million descriptors needs no large contiguous block; the
// first chunk is part of the table, so fork of a small process allocates once. Copying costs the
// chunks that hold an open descriptor. A slot is a File pointer whose low bit is FD_CLOEXEC.
// Locking: files->file_lock would guard all of it. Reference counted (CLONE_FILES).
#pragma once

#include <cstddef>
#include <cstdint>

#include "guest/fs/file.h"
#include "guest/lib/ref.h"
#include "guest/lib/result.h"
#include "proto/process_records.h"

namespace fv::guest {

enum class CloseOnExecFlag { kNo, kYes };

class FdTable : public proto::FdTableRecord {
 public:
  // The most that a table can hold.
  static constexpr uint32_t kMaxFds = 1024 * 1024;

  // Errors: ENOMEM.
  static Result<Ref<FdTable>> Create();
  // fork without CLONE_FILES: every descriptor below `limit`, close-on-exec ones too.
  Result<Ref<FdTable>> Copy(uint32_t limit = kMaxFds) const;
  void AddRef() { ++users; }
  // The last reference closes every descriptor.
  void Release();
  // Tasks that use it; 1: no need to unshare.
  uint32_t refs() const { return users; }

  // exec: closes what has FD_CLOEXEC.
  void CloseOnExec();

  // The lowest free descriptor >= `minimum`, reserved (Get says EBADF until Install).
  // `limit` is the caller's RLIMIT_NOFILE. Errors: EMFILE, ENOMEM.
  Result<int> Allocate(uint64_t limit, uint32_t minimum = 0);
  // Fills a slot that Allocate reserved.
  void Install(int fd, Ref<File> file, CloseOnExecFlag cloexec);
  // Gives back a slot that Allocate reserved.
  void Cancel(int fd);
  // Allocate and Install at once.
  Result<int> Add(Ref<File> file, CloseOnExecFlag cloexec, uint64_t limit, uint32_t minimum = 0);
  // dup2: puts `file` into `fd`, closing what is there. Errors: EBADF (fd >= limit), EBUSY (the
  // slot is reserved by an open in progress), ENOMEM.
  Result<int> Replace(int fd, Ref<File> file, CloseOnExecFlag cloexec, uint64_t limit);

  // Errors: EBADF. O_PATH files count as bad descriptors unless GetPath is used.
  Result<Ref<File>> Get(int fd) const;
  Result<Ref<File>> GetPath(int fd) const;
  Result<CloseOnExecFlag> GetCloseOnExec(int fd) const;
  Status SetCloseOnExec(int fd, CloseOnExecFlag cloexec);
  // Errors: EBADF.
  Status Close(int fd);
  // Takes the file out without closing it.
  Result<Ref<File>> Take(int fd);
  // close_range(2), inclusive bounds.
  void CloseRange(uint32_t first, uint32_t last);
  void SetCloseOnExecRange(uint32_t first, uint32_t last);

  // Lowest open descriptor >= `from`, or -1.
  int Next(uint32_t from) const;
  uint32_t open_count() const { return open; }
  // /proc/PID/status FDSize: slots that the table holds now, a multiple of 64.
  uint32_t capacity() const { return chunks * kChunkSlots; }

 private:
  static constexpr uint32_t kChunkSlots = proto::kFdChunkSlots;
  static constexpr uint32_t kDirectorySlots = proto::kFdDirectorySlots;  // a page of pointers
  static constexpr uint32_t kDirectories = kMaxFds / kChunkSlots / kDirectorySlots;
  static_assert(kDirectories == proto::kFdDirectories);
  using Chunk = proto::FdChunkRecord;
  struct Directory {
    Chunk* chunks[kDirectorySlots];
  };
  template <typename T, typename... Args>
  friend T* MakeObject(Args&&...);
  template <typename T>
  friend void DestroyObject(T*);

  FdTable();
  ~FdTable();
  Directory* DirectoryOf(uint32_t chunk) const {
    return reinterpret_cast<Directory*>(directories[chunk / kDirectorySlots]);
  }
  Chunk* FindChunk(uint32_t index) const;
  Result<Chunk*> MakeChunk(uint32_t index);
  uint64_t* FindSlot(int fd) const;
  void FreeSlot(uint32_t fd);
  File* Detach(uint32_t fd);
};

// The head of the list of all tables.
proto::Link& FdTables();

// The most that RLIMIT_NOFILE can be set to: /proc/sys/fs/nr_open.
inline uint64_t fd_limit_max = FdTable::kMaxFds;

}  // namespace fv::guest
