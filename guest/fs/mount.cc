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
#include "guest/lib/string.h"

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

Result<Ref<Inode>> MakeRootInode(Mount& mount, const char* type) {
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
  // A tmpfs of its own is open to all (tmpfs(5)); the root of all is not.
  const uint32_t permissions = &mount == &Slot(0) ? 0755 : 01777;
  return MakeRamInode(mount.superblock, kTypeDirectory | permissions);
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

void SetAccess(Superblock& superblock, MountAccess access) {
  superblock.read_only = access == MountAccess::kReadOnly;
  superblock.options = superblock.read_only ? "ro,relatime" : "rw,relatime";
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

Status MountAt(const Ref<Dentry>& point, const char* type, const char* source, MountAccess access) {
  const char* known = KnownType(type);
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
  Ref<Inode> inode = TRY(MakeRootInode(*mount, known));
  Format(mount->source, sizeof(mount->source), "%s", source);
  mount->superblock.source = mount->source;
  mount->root = TRY(Dentry::Create(nullptr, "/", 1, std::move(inode)));
  SetAccess(mount->superblock, access);
  mount->point = point;
  mount->used = true;
  if (point) {
    mount->root->covers = point;
    point->mounted = mount->root;
  }
  return Ok();
}

Status RemountRoot(Dentry& root, MountAccess access) {
  Mount* mount = MountOf(root);
  if (mount == nullptr) {
    return Error(EINVAL);
  }
  for (Dentry* at = &root; at != nullptr && access == MountAccess::kReadOnly;
       at = NextInTree(root, *at)) {
    if (at->inode().write_count > 0) {
      return Error(EBUSY);
    }
  }
  SetAccess(mount->superblock, access);
  return Ok();
}

Status UnmountRoot(Dentry& root, UmountMode mode) {
  Mount* mount = MountOf(root);
  if (mount == nullptr) {
    return Error(EINVAL);
  }
  if (!mount->point || HasMountBelow(root)) {
    return Error(EBUSY);
  }
  // The slot, the covered dentry and the caller know the root.
  constexpr uint32_t kKnown = 3;
  const bool busy = TreeBusy(root, kKnown);
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
