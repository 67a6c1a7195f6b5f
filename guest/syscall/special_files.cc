// SPDX-License-Identifier: Apache-2.0
//
// Descriptors without a path: eventfd(2), memfd_create(2).
#include <linux/memfd.h>

#include "guest/fs/eventfd.h"
#include "guest/fs/ramfs.h"
#include "guest/fs/vfs.h"
#include "guest/lib/string.h"
#include "guest/syscall/file_args.h"

namespace fv::guest::sys {

namespace {

constexpr size_t kMemfdNameMax = 249;

Result<uint64_t> DoEventfd(const SyscallArgs& args, uint32_t flags) {
  if ((flags & ~uint32_t{O_CLOEXEC | O_NONBLOCK | kEventfdSemaphore}) != 0) {
    return Error(EINVAL);
  }
  Ref<File> file = TRY(MakeEventfd(args.Uint(0), flags));
  const CloseOnExecFlag cloexec =
      (flags & O_CLOEXEC) != 0 ? CloseOnExecFlag::kYes : CloseOnExecFlag::kNo;
  return static_cast<uint64_t>(TRY(args.task.files().Add(std::move(file), cloexec, FdLimit(args))));
}

}  // namespace

Result<uint64_t> eventfd(const SyscallArgs& args) { return DoEventfd(args, 0); }
Result<uint64_t> eventfd2(const SyscallArgs& args) { return DoEventfd(args, args.Uint(1)); }

Result<uint64_t> memfd_create(const SyscallArgs& args) {
  constexpr uint32_t kNoExecSeal = 8;  // MFD_NOEXEC_SEAL
  constexpr uint32_t kExec = 16;       // MFD_EXEC
  constexpr uint32_t kKnown = MFD_CLOEXEC | MFD_ALLOW_SEALING | kNoExecSeal | kExec;
  const uint32_t flags = args.Uint(1);
  if ((flags & ~kKnown) != 0 || (flags & (kNoExecSeal | kExec)) == (kNoExecSeal | kExec)) {
    return Error(EINVAL);
  }
  static constexpr char kPrefix[] = "/memfd:";
  constexpr size_t kPrefixBytes = sizeof(kPrefix) - 1;
  static constexpr char kSuffix[] = " (deleted)";
  char name[kPrefixBytes + kMemfdNameMax + sizeof(kSuffix)];
  memcpy(name, kPrefix, kPrefixBytes);
  const Result<size_t> length =
      CopyStringFromUser(*args.task.mm(), args.a[0], name + kPrefixBytes, kMemfdNameMax + 1);
  if (!length.ok()) {
    return Error(length.error().number() == ENAMETOOLONG ? EINVAL : EFAULT);
  }
  // A dentry's name ends at kNameMax; what is cut off is only ever shown.
  const size_t used = kPrefixBytes + length.value();
  memcpy(name + used, kSuffix, sizeof(kSuffix));
  name[kNameMax] = '\0';
  const uint32_t mode = kTypeRegular | ((flags & kNoExecSeal) != 0 ? 0666 : 0777);
  Ref<Dentry> dentry = TRY(MakeUnnamed(RootSuperblock(), name, mode, args.task.cred()));
  dentry->inode().seals = (flags & kNoExecSeal) != 0         ? kSealExec
                          : (flags & MFD_ALLOW_SEALING) != 0 ? 0
                                                             : uint32_t{F_SEAL_SEAL};
  dentry->inode().has_seals = true;
  dentry->inode().object()->MarkSharedMemory();
  Ref<File> file = TRY(OpenRegular(std::move(dentry), O_RDWR | O_LARGEFILE));
  const CloseOnExecFlag cloexec =
      (flags & MFD_CLOEXEC) != 0 ? CloseOnExecFlag::kYes : CloseOnExecFlag::kNo;
  return static_cast<uint64_t>(TRY(args.task.files().Add(std::move(file), cloexec, FdLimit(args))));
}

}  // namespace fv::guest::sys
