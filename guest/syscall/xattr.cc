// SPDX-License-Identifier: Apache-2.0
//
// Extended attributes: setxattr(2), getxattr(2), listxattr(2), removexattr(2), each by path, by the
// link itself and by descriptor.

#include "guest/fs/xattr.h"

#include <linux/xattr.h>

#include "guest/fs/inode.h"
#include "guest/lib/scope_guard.h"
#include "guest/mm/slab.h"
#include "guest/syscall/file_args.h"

namespace fv::guest {
namespace {

enum class By { kPath, kLink, kDescriptor };

// Argument 0: whose attributes they are.
Result<Ref<Inode>> Target(const SyscallArgs& args, By by) {
  if (by == By::kDescriptor) {
    const Ref<File> file = TRY(FileArgument(args, 0));
    return Ref<Inode>(file->inode());
  }
  PathArgument path;
  TRY(path.Load(*args.task.mm(), args.a[0]));
  const uint32_t flags = by == By::kPath ? uint32_t{kLookupFollow} : 0;
  return Ref<Inode>(TRY(Lookup(CallerOf(args), AT_FDCWD, path.text(), flags))->inode());
}

// Argument 1. Errors: ERANGE (empty or too long), EFAULT.
struct Name {
  char text[kXattrNameMax + 1];
  Status Load(const SyscallArgs& args) {
    const Result<size_t> length =
        CopyStringFromUser(*args.task.mm(), args.a[1], text, sizeof(text));
    if (!length.ok()) {
      return Error(length.error().number() == ENAMETOOLONG ? ERANGE : EFAULT);
    }
    return length.value() == 0 ? Status(Error(ERANGE)) : Ok();
  }
};

// Kernel memory for a value or a list of names.
class Bytes {
 public:
  Bytes() = default;
  Bytes(const Bytes&) = delete;
  Bytes& operator=(const Bytes&) = delete;
  ~Bytes() { KernelFree(data_, size_); }
  // Errors: ENOMEM.
  Status Allocate(size_t size) {
    if (size > 0) {
      data_ = KernelAllocate(size);
      if (data_ == nullptr) {
        return Error(ENOMEM);
      }
    }
    size_ = size;
    return Ok();
  }
  uint8_t* data() { return static_cast<uint8_t*>(data_); }
  size_t size() const { return size_; }

 private:
  void* data_ = nullptr;
  size_t size_ = 0;
};

// (target, name, value, bytes, flags)
Result<uint64_t> Set(const SyscallArgs& args, By by) {
  const uint64_t bytes = args.a[3];
  const int flags = args.Int(4);
  if ((flags & ~(XATTR_CREATE | XATTR_REPLACE)) != 0) {
    return Error(EINVAL);
  }
  Name name;
  TRY(name.Load(args));
  if (bytes > kXattrValueMax) {
    return Error(E2BIG);
  }
  Bytes value;
  TRY(value.Allocate(bytes));
  TRY(CopyFromUser(*args.task.mm(), value.data(), args.a[2], bytes));
  const Ref<Inode> inode = TRY(Target(args, by));
  const XattrSet how = (flags & XATTR_CREATE) != 0    ? XattrSet::kCreate
                       : (flags & XATTR_REPLACE) != 0 ? XattrSet::kReplace
                                                      : XattrSet::kAny;
  TRY(SetXattr(*inode, args.task.cred(), name.text, value.data(), bytes, how));
  return uint64_t{0};
}

// (target, name, value, bytes): the length of the value.
Result<uint64_t> Get(const SyscallArgs& args, By by) {
  Name name;
  TRY(name.Load(args));
  const Ref<Inode> inode = TRY(Target(args, by));
  Bytes value;
  TRY(value.Allocate(args.a[3] < kXattrValueMax ? args.a[3] : kXattrValueMax));
  const size_t length =
      TRY(GetXattr(*inode, args.task.cred(), name.text, value.data(), value.size()));
  if (value.size() > 0) {
    TRY(CopyToUser(*args.task.mm(), args.a[2], value.data(), length));
  }
  return uint64_t{length};
}

// (target, list, bytes): the length of the list.
Result<uint64_t> ListNames(const SyscallArgs& args, By by) {
  const Ref<Inode> inode = TRY(Target(args, by));
  Bytes list;
  TRY(list.Allocate(args.a[2] < kXattrListMax ? args.a[2] : kXattrListMax));
  const size_t length =
      TRY(ListXattrs(*inode, args.task.cred(), reinterpret_cast<char*>(list.data()), list.size()));
  if (list.size() > 0) {
    TRY(CopyToUser(*args.task.mm(), args.a[1], list.data(), length));
  }
  return uint64_t{length};
}

// (target, name)
Result<uint64_t> RemoveName(const SyscallArgs& args, By by) {
  Name name;
  TRY(name.Load(args));
  const Ref<Inode> inode = TRY(Target(args, by));
  TRY(RemoveXattr(*inode, args.task.cred(), name.text));
  return uint64_t{0};
}

}  // namespace

namespace sys {

Result<uint64_t> setxattr(const SyscallArgs& args) { return Set(args, By::kPath); }
Result<uint64_t> lsetxattr(const SyscallArgs& args) { return Set(args, By::kLink); }
Result<uint64_t> fsetxattr(const SyscallArgs& args) { return Set(args, By::kDescriptor); }
Result<uint64_t> getxattr(const SyscallArgs& args) { return Get(args, By::kPath); }
Result<uint64_t> lgetxattr(const SyscallArgs& args) { return Get(args, By::kLink); }
Result<uint64_t> fgetxattr(const SyscallArgs& args) { return Get(args, By::kDescriptor); }
Result<uint64_t> listxattr(const SyscallArgs& args) { return ListNames(args, By::kPath); }
Result<uint64_t> llistxattr(const SyscallArgs& args) { return ListNames(args, By::kLink); }
Result<uint64_t> flistxattr(const SyscallArgs& args) { return ListNames(args, By::kDescriptor); }
Result<uint64_t> removexattr(const SyscallArgs& args) { return RemoveName(args, By::kPath); }
Result<uint64_t> lremovexattr(const SyscallArgs& args) { return RemoveName(args, By::kLink); }
Result<uint64_t> fremovexattr(const SyscallArgs& args) { return RemoveName(args, By::kDescriptor); }

}  // namespace sys
}  // namespace fv::guest
