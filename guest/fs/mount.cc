// SPDX-License-Identifier: Apache-2.0
//
// The mount table, and the superblocks of objects that are in no mount.
#include "guest/fs/mount.h"

#include <new>

#include "guest/fs/devpts.h"
#include "guest/fs/ramfs.h"
#include "guest/fs/task_hooks.h"
#include "guest/fs/vfs.h"
#include "guest/lib/print.h"
#include "guest/lib/scope_guard.h"
#include "guest/lib/string.h"
#include "guest/mm/frames.h"

namespace fv::guest {

namespace {

constexpr uint64_t kProcMagic = 0x9fa0;
constexpr uint64_t kSysMagic = 0x62656572;
constexpr uint64_t kPipeMagic = 0x50495045;
constexpr uint64_t kSocketMagic = 0x534f434b;
constexpr uint64_t kAnonymousMagic = 0x09041934;
// Device numbers of unnamed file systems have major 0 (get_anon_bdev).
constexpr uint32_t kFirstMinor = 20;
constexpr uint32_t kFirstMountId = 21;
constexpr uint32_t kNoMountId = 1;  // parent of the root of all
// Of a mount's root: the slot, the covered dentry and the caller.
constexpr uint32_t kKnownHolders = 3;

constinit Superblock pipe_superblock{"pipefs", "pipefs", "rw", kPipeMagic, 13, 14, 1, false};
constinit Superblock anonymous_superblock{
    "anon_inodefs", "anon_inodefs", "rw", kAnonymousMagic, 14, 15, 1, false};

constinit Superblock socket_superblock{"sockfs", "sockfs", "rw", kSocketMagic, 8, 9, 1, false};

// Ref has a constructor and the kernel runs none: the table is bytes until InitMounts.
alignas(Mount) constinit unsigned char table_bytes[sizeof(Mount) * kMaxMounts]{};

Mount& Slot(unsigned index) { return reinterpret_cast<Mount*>(table_bytes)[index]; }

Mount* FreeSlot() {
  for (unsigned i = 0; i < kMaxMounts; ++i) {
    if (!Slot(i).used) {
      return &Slot(i);
    }
  }
  return nullptr;
}

constexpr uint64_t kRamfsMagic = 0x858458f6;

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

Result<Ref<Inode>> MakeRootInode(Mount& mount, const char* type, const char* options) {
  const uint32_t minor = kFirstMinor + static_cast<uint32_t>(&mount - &Slot(0));
  mount.superblock = {
      type, type, "rw,relatime", kTmpfsMagic, minor, kFirstMountId + minor - kFirstMinor, 1, false};
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
  if (&mount == &Slot(0)) {  // the root of all: no limits, and not open to all as a tmpfs is
    return MakeRamInode(mount.superblock, kTypeDirectory | 0755);
  }
  if (strcmp(type, "ramfs") == 0) {
    mount.superblock.magic = kRamfsMagic;
    return MakeRamInode(mount.superblock, kTypeDirectory | RamfsMode(options));
  }
  return MakeTmpfsRoot(mount, options);
}

Mount* MountOf(const Dentry& root) {
  for (unsigned i = 0; i < kMaxMounts; ++i) {
    if (Slot(i).used && Slot(i).root.get() == &root) {
      return &Slot(i);
    }
  }
  return nullptr;
}

bool HasMountBelow(const Dentry& root) {
  for (unsigned i = 0; i < kMaxMounts; ++i) {
    const Mount& mount = Slot(i);
    if (mount.used && mount.point && mount.root.get() != &root && root.IsAncestorOf(*mount.point)) {
      return true;
    }
  }
  return false;
}

// The dentry after `at` in a walk of the whole tree below `root`, or nullptr.
Dentry* NextInTree(Dentry& root, Dentry& at) {
  if (Dentry* child = at.FirstChild(); child != nullptr) {
    return child;
  }
  Dentry* up = &at;
  while (up != &root) {
    Dentry* parent = up->parent().get();
    if (Dentry* next = parent->ChildAfter(*up); next != nullptr) {
      return next;
    }
    up = parent;
  }
  return nullptr;
}

// Somebody other than the tree itself holds a dentry of it; `root` has `known` other holders.
bool TreeBusy(Dentry& root, uint32_t known) {
  for (Dentry* at = &root; at != nullptr; at = NextInTree(root, *at)) {
    uint32_t expected = at == &root ? known : 1;
    for (Dentry* child = at->FirstChild(); child != nullptr; child = at->ChildAfter(*child)) {
      ++expected;
    }
    if (at->refs() > expected) {
      return true;
    }
  }
  return false;
}

// The root dentry of the mount that `dentry` is in.
const Dentry& RootOf(const Dentry& dentry) {
  const Dentry* at = &dentry;
  while (at->parent()) {
    at = at->parent().get();
  }
  return *at;
}

// Removes every name, deepest first.
void EmptyTree(Dentry& root) {
  Dentry* at = &root;
  for (;;) {
    if (Dentry* child = at->FirstChild(); child != nullptr) {
      at = child;
      continue;
    }
    if (at == &root) {
      return;
    }
    Dentry* parent = at->parent().get();
    parent->RemoveChild(*at);
    at = parent;
  }
}

// The name of a known type with static life, or nullptr.
const char* KnownType(const char* type) {
  for (const char* known : {"tmpfs", "ramfs", "proc", "sysfs", "devtmpfs", "devpts"}) {
    if (strcmp(type, known) == 0) {
      return known;
    }
  }
  return nullptr;
}

}  // namespace

Status MountAt(const Ref<Dentry>& point, const MountRequest& request) {
  const char* known = KnownType(request.type);
  if (known == nullptr) {
    return Error(ENODEV);
  }
  if (point && !point->inode().IsDirectory()) {
    return Error(ENOTDIR);
  }
  Mount* mount = FreeSlot();
  if (mount == nullptr) {
    return Error(ENOSPC);
  }
  new (mount) Mount();
  ScopeGuard undo([mount] {
    if (mount->superblock.reader != nullptr) {
      mount->superblock.reader->Release();
    }
  });
  Ref<Inode> inode = TRY(MakeRootInode(*mount, known, request.options));
  Format(mount->source, sizeof(mount->source), "%s", request.source);
  mount->superblock.source = mount->source;
  mount->root = TRY(Dentry::Create(nullptr, "/", 1, std::move(inode)));
  mount->superblock.read_only = request.read_only;
  mount->superblock.mount_flags = request.flags;
  undo.Dismiss();
  mount->point = point;
  mount->used = true;
  if (point) {
    mount->root->covers = point;
    point->mounted = mount->root;
  }
  return Ok();
}

namespace {

// tmpfs(5): a limit cannot fall below what is used, nor come where there was none.
Status CheckNewLimit(bool said, uint64_t wanted, uint64_t current, uint64_t used) {
  const bool refused = said && wanted != 0 && (current == 0 || used > wanted);
  return refused ? Status(Error(EINVAL)) : Ok();
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

}  // namespace

Status RemountRoot(Dentry& root, const MountRequest& request, RemountScope scope) {
  Mount* mount = MountOf(root);
  if (mount == nullptr) {
    return Error(EINVAL);
  }
  for (Dentry* at = &root; at != nullptr && request.read_only; at = NextInTree(root, *at)) {
    if (at->inode().write_count > 0) {
      return Error(EBUSY);
    }
  }
  const bool has_options = mount != &Slot(0) && strcmp(mount->superblock.type, "tmpfs") == 0;
  if (scope == RemountScope::kAll && has_options) {
    TRY(ReconfigureTmpfs(*mount, request.options));
  }
  mount->superblock.read_only = request.read_only;
  mount->superblock.mount_flags = request.flags;
  return Ok();
}

Result<uint32_t> MountFlagsOf(const Dentry& root) {
  const Mount* mount = MountOf(root);
  if (mount == nullptr) {
    return Error(EINVAL);
  }
  return mount->superblock.mount_flags;
}

Status MoveMount(Dentry& root, const Ref<Dentry>& point) {
  Mount* mount = MountOf(root);
  if (mount == nullptr || !mount->point ||
      root.inode().IsDirectory() != point->inode().IsDirectory()) {
    return Error(EINVAL);
  }
  for (Ref<Dentry> at = point;;) {
    if (at.get() == &root) {
      return Error(ELOOP);
    }
    Ref<Dentry> up = ParentAcrossMounts(*at);
    if (up.get() == at.get()) {
      break;
    }
    at = std::move(up);
  }
  mount->point->mounted = nullptr;
  mount->point = point;
  root.covers = point;
  point->mounted = mount->root;
  return Ok();
}

Status SetPropagation(Dentry& root, Propagation propagation, PropagationReach reach) {
  Mount* mount = MountOf(root);
  if (mount == nullptr) {
    return Error(EINVAL);
  }
  mount->propagation = propagation;
  for (unsigned i = 0; reach == PropagationReach::kBelow && i < kMaxMounts; ++i) {
    Mount& other = Slot(i);
    for (const Mount* at = &other; other.used && at != nullptr && at->point;) {
      at = MountOf(RootOf(*at->point));
      if (at == mount) {
        other.propagation = propagation;
        break;
      }
    }
  }
  return Ok();
}

Status CheckExpired(Dentry& root) {
  Mount* mount = MountOf(root);
  if (mount == nullptr || !mount->point) {
    return Error(EINVAL);
  }
  if (HasMountBelow(root) || TreeBusy(root, kKnownHolders)) {
    return Error(EBUSY);
  }
  const uint32_t marked = mount->crossings_at_expiry;
  mount->crossings_at_expiry = root.crossings;
  return marked != 0 && marked + 1 == root.crossings ? Ok() : Status(Error(EAGAIN));
}

Status UnmountRoot(Dentry& root, UmountMode mode) {
  Mount* mount = MountOf(root);
  if (mount == nullptr) {
    return Error(EINVAL);
  }
  if (!mount->point || HasMountBelow(root)) {
    return Error(EBUSY);
  }
  const bool busy = TreeBusy(root, kKnownHolders);
  if (busy && mode == UmountMode::kBusyCheck) {
    return Error(EBUSY);
  }
  mount->point->mounted = nullptr;
  mount->point = nullptr;
  root.covers = nullptr;
  if (!busy) {
    // A busy slot keeps its superblock for those inside, for ever.
    EmptyTree(root);
    mount->root = nullptr;
    if (mount->superblock.reader != nullptr) {
      mount->superblock.reader->Release();
    }
    mount->used = false;
  }
  return Ok();
}

size_t FormatMountFlags(const Mount& mount, char* out, size_t capacity) {
  constexpr struct {
    uint32_t flag;
    const char* text;
  } kNames[] = {{kMountNoSuid, ",nosuid"},         {kMountNoDev, ",nodev"},
                {kMountNoExec, ",noexec"},         {kMountNoAtime, ",noatime"},
                {kMountNoDirAtime, ",nodiratime"}, {kMountRelatime, ",relatime"}};
  size_t length = Format(out, capacity, mount.superblock.read_only ? "ro" : "rw");
  for (const auto& name : kNames) {
    if ((mount.superblock.mount_flags & name.flag) != 0 && length < capacity) {
      length += Format(out + length, capacity - length, "%s", name.text);
    }
  }
  return length;
}

uint32_t ParentMountId(const Mount& mount) {
  const Mount* parent = mount.point ? MountOf(RootOf(*mount.point)) : nullptr;
  return parent != nullptr ? parent->superblock.mount_id : kNoMountId;
}

const Mount* MountNumber(unsigned index) {
  for (unsigned i = 0; i < kMaxMounts; ++i) {
    const Mount& mount = Slot(i);
    if (mount.used && (i == 0 || mount.point) && index-- == 0) {
      return &mount;
    }
  }
  return nullptr;
}

Superblock& RootSuperblock() { return Slot(0).superblock; }
Superblock& PipeSuperblock() { return pipe_superblock; }
Superblock& SocketSuperblock() { return socket_superblock; }
Superblock& AnonymousSuperblock() { return anonymous_superblock; }
Ref<Dentry> RootDentry() { return Slot(0).root; }

}  // namespace fv::guest
