// SPDX-License-Identifier: Apache-2.0
//
// The mount table, and the superblocks of objects that are in no mount.
#include "guest/fs/mount.h"

#include <new>

#include "guest/fs/dentry_tree.h"
#include "guest/fs/filesystem_types.h"
#include "guest/fs/vfs.h"
#include "guest/lib/print.h"
#include "guest/lib/scope_guard.h"
#include "guest/lib/string.h"

namespace fv::guest {

namespace {

constexpr uint64_t kPipeMagic = 0x50495045;
constexpr uint64_t kSocketMagic = 0x534f434b;
constexpr uint64_t kAnonymousMagic = 0x09041934;
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

unsigned SlotOf(const Mount& mount) { return static_cast<unsigned>(&mount - &Slot(0)); }

Mount* FreeSlot() {
  for (unsigned i = 0; i < kMaxMounts; ++i) {
    if (!Slot(i).used) {
      return &Slot(i);
    }
  }
  return nullptr;
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
  Ref<Inode> inode = TRY(MakeRootInode(*mount, SlotOf(*mount), known, request.options));
  Format(mount->source, sizeof(mount->source), "%s", request.source);
  mount->superblock.source = mount->source;
  mount->root = TRY(Dentry::Create(nullptr, "/", 1, std::move(inode)));
  mount->superblock.read_only = request.read_only;
  mount->superblock.mount_flags = request.flags;
  undo.Dismiss();
  mount->point = point;
  mount->used = true;
  if (point) {
    mount->root->Cover(point);
    point->mounted = mount->root;
  }
  return Ok();
}

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
  root.Cover(point);
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
  root.Cover(nullptr);
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
