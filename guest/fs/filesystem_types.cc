// SPDX-License-Identifier: Apache-2.0
#include "guest/fs/filesystem_types.h"

#include "guest/fs/devpts.h"
#include "guest/fs/ramfs.h"
#include "guest/fs/task_hooks.h"
#include "guest/lib/string.h"
#include "guest/mm/frames.h"

namespace fv::guest {
namespace {

constexpr uint64_t kProcMagic = 0x9fa0;
constexpr uint64_t kSysMagic = 0x62656572;
constexpr uint64_t kRamfsMagic = 0x858458f6;
// Device numbers of unnamed file systems have major 0 (get_anon_bdev).
constexpr uint32_t kFirstMinor = 20;
constexpr uint32_t kFirstMountId = 21;

// Takes the options over, and the limits that they set.
void SetTmpfsOptions(Mount& mount, const TmpfsOptions& options) {
  mount.tmpfs = options;
  mount.superblock.pages.most = options.pages;
  mount.superblock.most_inodes = options.inodes;
  FormatTmpfsOptions(options, TotalFrames(), mount.options, sizeof(mount.options));
}

Result<Ref<Inode>> MakeTmpfsRoot(Mount& mount, const char* text) {
  TmpfsOptions options = DefaultTmpfsOptions(TotalFrames());
  TRY(ParseTmpfsOptions(text, TotalFrames(), options));
  SetTmpfsOptions(mount, options);
  Ref<Inode> root = TRY(MakeRamInode(mount.superblock, kTypeDirectory | options.mode));
  root->uid = options.uid;
  root->gid = options.gid;
  return root;
}

// Takes what "mode=" says; ramfs ignores what it does not know.
uint32_t RamfsMode(const char* text) {
  constexpr uint32_t kUsual = 0755;
  TmpfsOptions options;
  options.mode = kUsual;
  return strncmp(text, "mode=", 5) == 0 && ParseTmpfsOptions(text, 0, options).ok() ? options.mode
                                                                                    : kUsual;
}

// tmpfs(5): a limit cannot fall below what is used, nor come where there was none.
Status CheckNewLimit(bool said, uint64_t wanted, uint64_t current, uint64_t used) {
  const bool refused = said && wanted != 0 && (current == 0 || used > wanted);
  return refused ? Status(Error(EINVAL)) : Ok();
}

}  // namespace

const char* KnownType(const char* type) {
  for (const char* known : {"tmpfs", "ramfs", "proc", "sysfs", "devtmpfs", "devpts"}) {
    if (strcmp(type, known) == 0) {
      return known;
    }
  }
  return nullptr;
}

Result<Ref<Inode>> MakeRootInode(Mount& mount, unsigned slot, const char* type,
                                 const char* options) {
  const uint32_t minor = kFirstMinor + slot;
  mount.superblock = {type, type, "rw,relatime", kTmpfsMagic, minor, kFirstMountId + slot,
                      1,    false};
  if (strcmp(type, "proc") == 0) {
    mount.superblock.magic = kProcMagic;
    mount.superblock.reader = CurrentPidNamespace();
    if (mount.superblock.reader != nullptr) {
      mount.superblock.reader->AddRef();
    }
    return MakeProcRoot(mount.superblock);
  }
  if (strcmp(type, "sysfs") == 0) {
    mount.superblock.magic = kSysMagic;
    return MakeSysRoot(mount.superblock);
  }
  if (strcmp(type, "devpts") == 0) {
    // All mounts are one file system, with one device number.
    mount.superblock.magic = DevptsSuperblock().magic;
    mount.superblock.device = DevptsSuperblock().device;
    return MakeDevptsRoot();
  }
  if (slot == 0) {  // the root of all: no limits, and not open to all as a tmpfs is
    return MakeRamInode(mount.superblock, kTypeDirectory | 0755);
  }
  if (strcmp(type, "ramfs") == 0) {
    mount.superblock.magic = kRamfsMagic;
    return MakeRamInode(mount.superblock, kTypeDirectory | RamfsMode(options));
  }
  return MakeTmpfsRoot(mount, options);
}

Status ReconfigureTmpfs(Mount& mount, const char* text) {
  const Superblock& superblock = mount.superblock;
  TmpfsOptions wanted = mount.tmpfs;
  wanted.has_pages = wanted.has_inodes = false;
  TRY(ParseTmpfsOptions(text, TotalFrames(), wanted));
  TRY(CheckNewLimit(wanted.has_pages, wanted.pages, superblock.pages.most, superblock.pages.used));
  TRY(CheckNewLimit(wanted.has_inodes, wanted.inodes, superblock.most_inodes, superblock.inodes));
  wanted.mode = mount.tmpfs.mode;  // of the root when it was made: they stay
  wanted.uid = mount.tmpfs.uid;
  wanted.gid = mount.tmpfs.gid;
  SetTmpfsOptions(mount, wanted);
  return Ok();
}

}  // namespace fv::guest
