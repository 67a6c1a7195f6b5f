// SPDX-License-Identifier: Apache-2.0
//
// Boot: the root file system from the archive, and what programs expect beside it. Contents of
// files stay in the archive until they are touched, so that boot copies no data.
#include "guest/fs/fs.h"

#include "guest/arch/arch.h"
#include "guest/fs/console.h"
#include "guest/fs/cpio.h"
#include "guest/fs/devices.h"
#include "guest/fs/mount.h"
#include "guest/fs/object.h"
#include "guest/fs/ramfs.h"
#include "guest/fs/vfs.h"
#include "guest/lib/print.h"
#include "guest/lib/string.h"
#include "guest/mm/memory_object.h"
#include "proto/layout.h"

namespace fv::guest {

namespace {

// Archive members with several names, by their inode number in the archive.
struct SharedMember {
  SharedMember(SharedMember* after, uint32_t number, Ref<Inode> shared)
      : next(after), inode_number(number), inode(std::move(shared)) {}
  SharedMember* next;
  uint32_t inode_number;
  Ref<Inode> inode;
};

class Unpacker {
 public:
  explicit Unpacker(Ref<Dentry> root) : root_(std::move(root)) {}
  ~Unpacker() {
    while (shared_ != nullptr) {
      SharedMember* next = shared_->next;
      DestroyObject(shared_);
      shared_ = next;
    }
  }
  Status Add(const CpioMember& member);

 private:
  Result<Ref<Inode>> MakeMember(const CpioMember& member);
  Result<Ref<Inode>> SharedInode(const CpioMember& member);
  SharedMember* shared_ = nullptr;
  Ref<Dentry> root_;
};

// The directory that `path` (relative, `length` bytes) has as its parent, made if missing; `name`
// is set to its last component. Errors: EINVAL (a name that is too long or ".."), ENOTDIR, ENOMEM.
Result<Ref<Dentry>> MakeParents(Ref<Dentry> at, const char* path, size_t length, const char*& name,
                                size_t& name_length) {
  size_t start = 0;
  for (;;) {
    size_t end = start;
    while (end < length && path[end] != '/') {
      ++end;
    }
    name = path + start;
    name_length = end - start;
    if (name_length > kNameMax || name_length == 0 ||
        (name_length <= 2 && memcmp(name, "..", name_length) == 0)) {
      return Error(EINVAL);
    }
    if (end == length) {
      return at;
    }
    if (!at->inode().IsDirectory()) {
      return Error(ENOTDIR);
    }
    Dentry* child = at->FindChild(name, name_length);
    if (child == nullptr) {
      Ref<Inode> inode = TRY(MakeRamInode(RootSuperblock(), kTypeDirectory | 0755));
      Ref<Dentry> made = TRY(Dentry::Create(at, name, name_length, std::move(inode)));
      at->AddChild(*made);
      child = made.get();
    }
    at = Ref<Dentry>(*child);
    start = end + 1;
  }
}

Result<Ref<Inode>> Unpacker::MakeMember(const CpioMember& member) {
  Superblock& superblock = RootSuperblock();
  switch (member.mode & kTypeMask) {
    case kTypeRegular:
      return MakeBackedInode(superblock, member.mode, member.data, member.bytes);
    case kTypeSymlink:
      return MakeSymlinkInode(superblock, reinterpret_cast<const char*>(member.data), member.bytes);
    default:
      return MakeRamInode(superblock, member.mode,
                          MakeDevice(member.device_major, member.device_minor));
  }
}

// The data of a file with several names comes with one of them.
Result<Ref<Inode>> Unpacker::SharedInode(const CpioMember& member) {
  for (SharedMember* at = shared_; at != nullptr; at = at->next) {
    if (at->inode_number == member.inode) {
      ++at->inode->links;
      ++at->inode->superblock().inodes;
      if (member.bytes != 0 && at->inode->size() == 0) {
        at->inode->object()->SetBacking(member.data, member.bytes);
      }
      return at->inode;
    }
  }
  Ref<Inode> inode = TRY(MakeMember(member));
  SharedMember* entry = MakeObject<SharedMember>(shared_, member.inode, inode);
  if (entry == nullptr) {
    return Error(ENOMEM);
  }
  shared_ = entry;
  return inode;
}

Status Unpacker::Add(const CpioMember& member) {
  if (member.name_length == 0) {
    root_->inode().SetPermissions(member.mode);
    return Ok();
  }
  const char* name = nullptr;
  size_t name_length = 0;
  Ref<Dentry> parent = TRY(MakeParents(root_, member.name, member.name_length, name, name_length));
  if (!parent->inode().IsDirectory()) {
    return Error(ENOTDIR);
  }
  const bool directory = (member.mode & kTypeMask) == kTypeDirectory;
  if (Dentry* there = parent->FindChild(name, name_length); there != nullptr) {
    if (directory && there->inode().IsDirectory()) {
      there->inode().SetPermissions(member.mode);
      return Ok();
    }
    return Error(EEXIST);
  }
  const bool shared = (member.mode & kTypeMask) == kTypeRegular && member.links > 1;
  Ref<Inode> inode = TRY(shared ? SharedInode(member) : MakeMember(member));
  inode->uid = member.uid;
  inode->gid = member.gid;
  inode->times.modified = uint64_t{member.modified_s} * 1'000'000'000;
  const Ref<Dentry> made = TRY(Dentry::Create(parent, name, name_length, std::move(inode)));
  parent->AddChild(*made);
  return Ok();
}

void Unpack(const uint8_t* initrd, size_t bytes) {
  Unpacker unpacker(RootDentry());
  CpioReader reader(initrd, bytes);
  CpioMember member;
  for (;;) {
    const Result<bool> more = reader.Next(member);
    if (!more.ok()) {
      Log("root file system: the archive is damaged at byte %lu", reader.offset());
      return;
    }
    if (!more.value()) {
      return;
    }
    if (const Status added = unpacker.Add(member); !added.ok()) {
      Log("root file system: %.*s: error %d", static_cast<int>(member.name_length), member.name,
          added.error().number());
    }
  }
}

// What every program may expect, unless the archive has it.
struct Expected {
  const char* path;
  uint32_t mode;
  uint64_t device;
  const char* link;
};
constexpr Expected kExpected[] = {
    {"dev", kTypeDirectory | 0755, 0, nullptr},
    {"proc", kTypeDirectory | 0555, 0, nullptr},
    {"sys", kTypeDirectory | 0555, 0, nullptr},
    {"tmp", kTypeDirectory | 01777, 0, nullptr},
    {"dev/pts", kTypeDirectory | 0755, 0, nullptr},
    {"dev/shm", kTypeDirectory | 01777, 0, nullptr},
    {"dev/null", kTypeCharDevice | 0666, kDeviceNull, nullptr},
    {"dev/zero", kTypeCharDevice | 0666, kDeviceZero, nullptr},
    {"dev/full", kTypeCharDevice | 0666, kDeviceFull, nullptr},
    {"dev/random", kTypeCharDevice | 0666, kDeviceRandom, nullptr},
    {"dev/urandom", kTypeCharDevice | 0666, kDeviceUrandom, nullptr},
    {"dev/kmsg", kTypeCharDevice | 0644, kDeviceKmsg, nullptr},
    {"dev/tty", kTypeCharDevice | 0666, kDeviceTty, nullptr},
    {"dev/ptmx", kTypeCharDevice | 0666, kDevicePtmx, nullptr},
    {"dev/console", kTypeCharDevice | 0600, kDeviceConsole, nullptr},
    {"dev/fd", kTypeSymlink, 0, "/proc/self/fd"},
    {"dev/stdin", kTypeSymlink, 0, "/proc/self/fd/0"},
    {"dev/stdout", kTypeSymlink, 0, "/proc/self/fd/1"},
    {"dev/stderr", kTypeSymlink, 0, "/proc/self/fd/2"},
};

Status AddExpected(const Expected& expected) {
  CpioMember member;
  member.name = expected.path;
  member.name_length = strlen(expected.path);
  member.mode = expected.mode;
  member.device_major = DeviceMajor(expected.device);
  member.device_minor = DeviceMinor(expected.device);
  member.modified_s = static_cast<uint32_t>(RealtimeNs() / 1'000'000'000);
  if (expected.link != nullptr) {
    member.data = reinterpret_cast<const uint8_t*>(expected.link);
    member.bytes = strlen(expected.link);
  }
  // An archive that has the name knows better, permissions included.
  const char* name = nullptr;
  size_t length = 0;
  Ref<Dentry> parent =
      TRY(MakeParents(RootDentry(), member.name, member.name_length, name, length));
  if (parent->FindChild(name, length) != nullptr) {
    return Ok();
  }
  return Unpacker(RootDentry()).Add(member);
}

// On a directory of the list above; `path` is relative.
Status MountOn(const char* path, const char* type) {
  const char* name = nullptr;
  size_t length = 0;
  const Ref<Dentry> parent = TRY(MakeParents(RootDentry(), path, strlen(path), name, length));
  Dentry* point = parent->FindChild(name, length);
  if (point == nullptr) {
    return Error(ENOENT);
  }
  return MountAt(Ref<Dentry>(*point), {.type = type, .source = type});
}

}  // namespace

void InitRootFs(const uint8_t* initrd, size_t bytes) {
  FV_CHECK(MountAt(nullptr, {.type = "tmpfs", .source = "tmpfs"}).ok());
  Unpack(initrd, bytes);
  for (const Expected& expected : kExpected) {
    if (const Status added = AddExpected(expected); !added.ok()) {
      Log("root file system: /%s: error %d", expected.path, added.error().number());
    }
  }
  FV_CHECK(MountOn("proc", "proc").ok());
  FV_CHECK(MountOn("sys", "sysfs").ok());
  FV_CHECK(MountOn("dev/pts", "devpts").ok());
}

void InitFs(const proto::BootInfo& boot) {
  InitRootFs(reinterpret_cast<const uint8_t*>(proto::DirectMap(boot.initrd_gpa)),
             boot.initrd_bytes);
  InitConsole();
}

}  // namespace fv::guest
