// SPDX-License-Identifier: Apache-2.0
//
// Inode: a file of any type, and Superblock: the file system it belongs to. Attributes live in the
// base; what differs by type is virtual. Directory contents are Dentries (dentry.h); a synthetic
// directory (proc) makes its children on lookup.
// Locking: i_rwsem would guard attributes and contents. Reference counted.
#pragma once

#include <cstddef>
#include <cstdint>

#include "guest/fs/file.h"
#include "guest/fs/mode.h"
#include "guest/lib/list.h"
#include "guest/lib/ref.h"
#include "guest/lib/result.h"
#include "guest/mm/memory_object.h"

namespace fv::guest {

class PidNamespace;

// How a mount restricts its files (mount(2)); the values of statvfs(3)'s f_flag, but the last.
enum MountFlag : uint32_t {
  kMountNoSuid = 2,
  kMountNoDev = 4,
  kMountNoExec = 8,
  kMountNoAtime = 0x400,
  kMountNoDirAtime = 0x800,
  kMountRelatime = 0x1000,
  kMountStrictAtime = 0x10000,
};

// Constant but for next_inode, what is counted, and what mount(2) changes. Static objects; never
// freed.
struct Superblock {
  const char* type;  // "ramfs", "proc", ... as /proc/mounts shows it
  const char* source;
  const char* options;
  uint64_t magic;   // statfs f_type
  uint32_t device;  // st_dev
  uint32_t mount_id;
  uint64_t next_inode;
  bool read_only;
  PidNamespace* reader = nullptr;  // proc: whose numbers it shows; counted by the mount
  uint32_t mount_flags = 0;        // MountFlag; 0: relatime and no restriction
  PageQuota pages{};               // of its regular files (tmpfs)
  uint64_t inodes = 0;             // that exist, and names of a file beyond its first
  uint64_t most_inodes = 0;        // 0: any number

  bool NoRoomForInode() const { return most_inodes != 0 && inodes >= most_inodes; }
};

// Nanoseconds since the epoch.
struct InodeTimes {
  uint64_t accessed;
  uint64_t modified;
  uint64_t changed;
  uint64_t born;
};

class Inode {
 public:
  Inode(const Inode&) = delete;
  Inode& operator=(const Inode&) = delete;
  void AddRef() { ++refs_; }
  void Release();

  Superblock& superblock() const { return *superblock_; }
  uint64_t number() const { return number_; }
  // Type and permission bits (S_IF* | 07777).
  uint32_t mode() const { return mode_; }
  uint32_t type() const { return mode_ & kTypeMask; }
  bool IsDirectory() const { return type() == kTypeDirectory; }
  bool IsRegular() const { return type() == kTypeRegular; }
  bool IsSymlink() const { return type() == kTypeSymlink; }
  void SetPermissions(uint32_t permissions) {
    mode_ = (mode_ & ~kModePermissions) | (permissions & kModePermissions);
  }
  uint32_t uid = 0;
  uint32_t gid = 0;
  uint32_t links = 1;
  uint64_t device_number = 0;  // st_rdev of a device file
  InodeTimes times{};
  // ETXTBSY (execve(2), open(2)): > 0 open for writing, < 0 being executed.
  int32_t write_count = 0;

  // O_TMPFILE without O_EXCL: linkat(2) may give it its first name.
  bool linkable = false;
  // memfd_create(2): F_SEAL_* that are set; other files have none.
  uint32_t seals = 0;
  bool has_seals = false;
  // flock and fcntl locks (file_lock.h); zero until the first.
  proto::Link locks{0, 0};
  // Extended attributes (xattr.h); zero until the first.
  proto::Link xattrs{0, 0};

  // A name goes; a name beyond the first counts as an inode of the file system.
  void DropLink();

  void TouchAccess();
  void TouchModify();  // mtime and ctime
  void TouchChange();  // ctime

  virtual uint64_t size() const { return 0; }
  virtual uint64_t blocks() const { return 0; }  // of 512 bytes
  // An open file on this inode; permissions are already checked. Errors: ENXIO, ENOMEM...
  // May block (a fifo).
  virtual Result<Ref<File>> Open(Ref<Dentry> dentry, uint32_t flags) = 0;
  // Child of a synthetic directory. Errors: ENOENT, ENOMEM.
  virtual Result<Ref<Inode>> LookupChild(const char* name, size_t length);
  // Directories: 0, or the error of making anything in here (synthetic directories).
  virtual int create_error() const { return 0; }
  // Directories: feeds the entries after "." and ".." from `position` (>= 2) on and advances it.
  // `self` is the directory's own name. Default ENOTDIR.
  virtual Status ListChildren(Dentry& self, DirSink& sink, uint64_t& position);
  // Symlinks: the text, valid while the inode lives; nullptr for a link that JumpTarget resolves.
  virtual const char* link_text() { return nullptr; }
  // "Magic" links of /proc: where they lead. Default EINVAL (not a magic link).
  virtual Result<Ref<Dentry>> JumpTarget();
  // readlink(2): at most `capacity` bytes, no NUL; returns the count. Default EINVAL.
  virtual Result<size_t> ReadLink(char* out, size_t capacity);
  virtual Status Truncate(uint64_t bytes, const IoContext& context);
  virtual Status SetMode(uint32_t permissions);
  virtual Status SetOwner(uint32_t new_uid, uint32_t new_gid);
  // Pages of a regular file. nullptr: it has none.
  virtual MemoryObject* object() { return nullptr; }

 protected:
  Inode(Superblock& superblock, uint32_t mode);
  ~Inode() = default;
  virtual void Destroy() = 0;
  // Synthetic inodes have the same number each time they are made.
  void SetNumber(uint64_t number) { number_ = number; }

 private:
  uint32_t refs_ = 1;
  uint32_t mode_;
  Superblock* superblock_;
  uint64_t number_;
};

}  // namespace fv::guest
