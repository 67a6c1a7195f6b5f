// SPDX-License-Identifier: Apache-2.0
//
// mount(2) and umount2(2) of file systems that need no device: tmpfs, ramfs, proc, sysfs. One tree
// for all: there are no mount namespaces, so propagation has nobody to reach. sysfs(2), which
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

// The arguments of mount(2) in the kernel.
struct MountArgs {
  explicit MountArgs(const SyscallArgs& from) : args(from), flags(from.a[3]) {
    if ((flags & MS_MGC_MSK) == MS_MGC_VAL) {
      flags &= ~uint64_t{MS_MGC_MSK};
    }
  }
  // Errors: EFAULT, ENAMETOOLONG, ENOENT.
  Status Load();

  const SyscallArgs& args;
  uint64_t flags;
  PathArgument path;
  PathArgument source;  // valid if args.a[0] is not 0
  char type[16] = "";
  char options[256] = "";
};

Status MountArgs::Load() {
  Mm& mm = *args.task.mm();
  if (args.a[2] != 0) {
    const Result<size_t> length = CopyStringFromUser(mm, args.a[2], type, sizeof(type));
    if (!length.ok() && length.error().number() != ENAMETOOLONG) {
      return length.error();
    }
    type[sizeof(type) - 1] = '\0';  // no type has such a long name
  }
  if (args.a[0] != 0) {
    TRY(source.Load(mm, args.a[0]));
  }
  if (args.a[4] != 0) {
    const Result<size_t> length = CopyStringFromUser(mm, args.a[4], options, sizeof(options));
    if (!length.ok()) {
      return Error(length.error().number() == ENAMETOOLONG ? EINVAL : EFAULT);
    }
  }
  return path.Load(mm, args.a[1]);
}

// The flags of a mount from those of the call; `before` has the times that a remount keeps.
uint32_t MountFlagsFrom(uint64_t flags, uint32_t before) {
  constexpr uint32_t kTimes = kMountNoAtime | kMountNoDirAtime | kMountRelatime | kMountStrictAtime;
  constexpr uint32_t kSame =
      kMountNoSuid | kMountNoDev | kMountNoExec | kMountNoAtime | kMountNoDirAtime;
  static_assert(kMountNoSuid == MS_NOSUID && kMountNoDev == MS_NODEV && kMountNoExec == MS_NOEXEC &&
                kMountNoAtime == MS_NOATIME && kMountNoDirAtime == MS_NODIRATIME);
  uint32_t result = static_cast<uint32_t>(flags) & kSame;
  const bool says_times =
      (flags & (MS_NOATIME | MS_NODIRATIME | MS_RELATIME | MS_STRICTATIME)) != 0;
  if ((flags & MS_REMOUNT) != 0 && !says_times) {
    return (result & ~kTimes) | (before & kTimes);
  }
  if ((flags & MS_STRICTATIME) != 0) {
    return (result & ~uint32_t{kMountNoAtime}) | kMountStrictAtime;
  }
  return (flags & MS_NOATIME) != 0 ? result : result | kMountRelatime;
}

Status ChangePropagation(const MountArgs& call, Dentry& root) {
  const uint64_t type = call.flags & ~uint64_t{MS_REC | MS_SILENT};
  const auto reach = (call.flags & MS_REC) != 0 ? PropagationReach::kBelow : PropagationReach::kOne;
  switch (type) {
    case MS_SHARED:
      return SetPropagation(root, Propagation::kShared, reach);
    case MS_PRIVATE:
    case MS_SLAVE:  // of nobody
      return SetPropagation(root, Propagation::kPrivate, reach);
    case MS_UNBINDABLE:
      return SetPropagation(root, Propagation::kUnbindable, reach);
    default:
      return Error(EINVAL);
  }
}

Status Move(const MountArgs& call, const Ref<Dentry>& point) {
  if (call.args.a[0] == 0 || call.source.text()[0] == '\0') {
    return Error(EINVAL);
  }
  const Ref<Dentry> root =
      TRY(Lookup(CallerOf(call.args), AT_FDCWD, call.source.text(), kLookupFollow));
  return MoveMount(*root, point);
}

// In the order in which Linux looks at the flags.
Status DoMount(const MountArgs& call, const Ref<Dentry>& point) {
  MountRequest request{.type = call.type,
                       .source = call.args.a[0] != 0 ? call.source.text() : "none",
                       .options = call.options,
                       .flags = MountFlagsFrom(call.flags, 0),
                       .read_only = (call.flags & MS_RDONLY) != 0};
  if ((call.flags & MS_REMOUNT) != 0) {
    request.flags = MountFlagsFrom(call.flags, TRY(MountFlagsOf(*point)));
    return RemountRoot(*point, request,
                       (call.flags & MS_BIND) != 0 ? RemountScope::kFlags : RemountScope::kAll);
  }
  if ((call.flags & MS_BIND) != 0) {
    return Error(EINVAL);  // a dentry has one place in the tree here
  }
  if ((call.flags & kPropagation) != 0) {
    return ChangePropagation(call, *point);
  }
  if ((call.flags & MS_MOVE) != 0) {
    return Move(call, point);
  }
  if (call.args.a[2] == 0) {
    return Error(EINVAL);
  }
  return MountAt(point, request);
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
  MountArgs call(args);
  TRY(call.Load());
  const Ref<Dentry> point = TRY(Lookup(CallerOf(args), AT_FDCWD, call.path.text(), kLookupFollow));
  if (!args.task.Capable(CAP_SYS_ADMIN)) {
    return Error(EPERM);
  }
  if ((call.flags & MS_NOUSER) != 0) {
    return Error(EINVAL);
  }
  TRY(DoMount(call, point));
  return uint64_t{0};
}

Result<uint64_t> umount2(const SyscallArgs& args) {
  const uint32_t flags = args.Uint(1);
  if ((flags & ~(kForce | kDetach | kExpire | kNoFollow)) != 0) {
    return Error(EINVAL);
  }
  PathArgument path;
  TRY(path.Load(*args.task.mm(), args.a[0]));
  const uint32_t walk = (flags & kNoFollow) != 0 ? 0 : uint32_t{kLookupFollow};
  const Ref<Dentry> root = TRY(Lookup(CallerOf(args), AT_FDCWD, path.text(), walk));
  if (!args.task.Capable(CAP_SYS_ADMIN)) {
    return Error(EPERM);
  }
  TRY(MountFlagsOf(*root));
  if ((flags & kExpire) != 0) {
    if ((flags & (kForce | kDetach)) != 0) {
      return Error(EINVAL);
    }
    TRY(CheckExpired(*root));
  }
  TRY(UnmountRoot(*root, (flags & kDetach) != 0 ? UmountMode::kLazy : UmountMode::kBusyCheck));
  return uint64_t{0};
}

}  // namespace fv::guest::sys
