// SPDX-License-Identifier: Apache-2.0
//
// mount(2) and umount2(2) of file systems that need no device: tmpfs, ramfs, proc, sysfs. One tree
// for all: there are no mount namespaces, so propagation flags have nothing to do. sysfs(2), which
// numbers the types.
#include "guest/fs/mount.h"

#include <linux/capability.h>
#include <linux/mount.h>

#include "guest/lib/string.h"
#include "guest/syscall/file_args.h"

namespace fv::guest::sys {

namespace {

constexpr uint64_t kPropagation = MS_SHARED | MS_PRIVATE | MS_SLAVE | MS_UNBINDABLE;
constexpr uint32_t kDetach = 2;    // MNT_DETACH
constexpr uint32_t kExpire = 4;    // MNT_EXPIRE
constexpr uint32_t kNoFollow = 8;  // UMOUNT_NOFOLLOW
constexpr uint32_t kForce = 1;     // MNT_FORCE

constexpr size_t kTypes = sizeof(kFilesystemTypes) / sizeof(kFilesystemTypes[0]);

// Errors: EINVAL (no such type), EFAULT, ENOENT (an empty name), ENAMETOOLONG.
Result<uint64_t> TypeIndex(Mm& mm, uint64_t address) {
  PathArgument name;
  TRY(name.Load(mm, address));
  if (name.text()[0] == '\0') {
    return Error(ENOENT);
  }
  for (size_t i = 0; i < kTypes; ++i) {
    if (strcmp(name.text(), kFilesystemTypes[i]) == 0) {
      return uint64_t{i};
    }
  }
  return Error(EINVAL);
}

}  // namespace

Result<uint64_t> sysfs(const SyscallArgs& args) {
  enum Option { kIndexOfName = 1, kNameOfIndex = 2, kCount = 3 };
  Mm& mm = *args.task.mm();
  switch (args.Int(0)) {
    case kIndexOfName:
      return TypeIndex(mm, args.a[1]);
    case kNameOfIndex: {
      if (args.Uint(1) >= kTypes) {
        return Error(EINVAL);
      }
      const char* name = kFilesystemTypes[args.Uint(1)];
      TRY(CopyToUser(mm, args.a[2], name, strlen(name) + 1));
      return uint64_t{0};
    }
    case kCount:
      return uint64_t{kTypes};
    default:
      return Error(EINVAL);
  }
}

Result<uint64_t> mount(const SyscallArgs& args) {
  Mm& mm = *args.task.mm();
  const uint64_t flags = args.a[3];
  char type[16] = "";
  char source[64] = "none";
  if (args.a[2] != 0) {
    const Result<size_t> length = CopyStringFromUser(mm, args.a[2], type, sizeof(type));
    if (!length.ok() && length.error().number() != ENAMETOOLONG) {
      return length.error();
    }
    type[sizeof(type) - 1] = '\0';
  }
  if (args.a[0] != 0) {
    (void)TRY(CopyStringFromUser(mm, args.a[0], source, sizeof(source)));
  }
  PathArgument path;
  TRY(path.Load(mm, args.a[1]));
  Ref<Dentry> point = TRY(Lookup(CallerOf(args), AT_FDCWD, path.text(), kLookupFollow));
  if (!args.task.Capable(CAP_SYS_ADMIN)) {
    return Error(EPERM);
  }
  const auto access = (flags & MS_RDONLY) != 0 ? MountAccess::kReadOnly : MountAccess::kReadWrite;
  if ((flags & MS_REMOUNT) != 0) {
    TRY(RemountRoot(*point, access));
    return uint64_t{0};
  }
  if ((flags & kPropagation) != 0) {
    const bool is_root = !point->parent();
    return is_root ? Result<uint64_t>(uint64_t{0}) : Result<uint64_t>(Error(EINVAL));
  }
  if ((flags & (MS_BIND | MS_MOVE)) != 0) {
    return Error(EINVAL);  // a dentry has one place in the tree here
  }
  TRY(MountAt(point, type, source, access));
  return uint64_t{0};
}

Result<uint64_t> umount2(const SyscallArgs& args) {
  const uint32_t flags = args.Uint(1);
  if ((flags & ~(kForce | kDetach | kExpire | kNoFollow)) != 0 ||
      ((flags & kExpire) != 0 && (flags & (kForce | kDetach)) != 0)) {
    return Error(EINVAL);
  }
  if (!args.task.Capable(CAP_SYS_ADMIN)) {
    return Error(EPERM);
  }
  PathArgument path;
  TRY(path.Load(*args.task.mm(), args.a[0]));
  const uint32_t walk = (flags & kNoFollow) != 0 ? 0 : uint32_t{kLookupFollow};
  const Ref<Dentry> root = TRY(Lookup(CallerOf(args), AT_FDCWD, path.text(), walk));
  if ((flags & kExpire) != 0) {
    return Error(EAGAIN);  // marked now, gone at the next call: there is no next here
  }
  TRY(UnmountRoot(*root, (flags & kDetach) != 0 ? UmountMode::kLazy : UmountMode::kBusyCheck));
  return uint64_t{0};
}

}  // namespace fv::guest::sys
