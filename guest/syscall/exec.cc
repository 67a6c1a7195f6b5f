// SPDX-License-Identifier: Apache-2.0
//
// execve(2) and execveat(2): reading the arguments.

#include "guest/task/exec.h"

#include <linux/fcntl.h>

#include "guest/fs/fd_table.h"
#include "guest/fs/path.h"
#include "guest/lib/print.h"
#include "guest/lib/scope_guard.h"
#include "guest/lib/string.h"
#include "guest/mm/slab.h"
#include "guest/mm/user_copy.h"
#include "guest/syscall/syscall.h"
#include "guest/task/task.h"

namespace fv::guest {
namespace {

struct ExecCall {
  int dirfd;
  uint64_t path, argv, envp;
  uint32_t lookup_flags;
};

// The name that the program sees (AT_EXECFN) when it is executed by descriptor.
void NameByDescriptor(char* path, int dirfd) {
  char name[kPathMax / 8];
  if (path[0] == '\0') {
    Format(name, sizeof(name), "/dev/fd/%d", dirfd);
    memcpy(path, name, strlen(name) + 1);
  }
}

Result<uint64_t> Exec(Task& task, const ExecCall& call) {
  auto* path = static_cast<char*>(KernelAllocate(kPathMax));
  if (path == nullptr) {
    return Error(ENOMEM);
  }
  ScopeGuard free_path([path] { KernelFree(path, kPathMax); });
  const size_t length = TRY(CopyStringFromUser(*task.mm(), call.path, path, kPathMax));
  const bool empty = length == 0;
  if (empty && (call.lookup_flags & kLookupEmptyPath) == 0) {
    return Error(ENOENT);
  }
  ExecRequest request{};
  request.dirfd = call.dirfd;
  request.path = path;
  request.lookup_flags = call.lookup_flags;
  request.arguments = {task.mm(), call.argv, nullptr, 0};
  request.environment = {task.mm(), call.envp, nullptr, 0};
  if (empty) {
    // The file of the descriptor, opened now: the path that the program sees is another.
    request.file = TRY(
        OpenForExec({task.fs(), task.cred(), &task.files()}, call.dirfd, path, call.lookup_flags));
    NameByDescriptor(path, call.dirfd);
  }
  TRY(ExecProgram(request));
  return uint64_t{0};
}

}  // namespace

namespace sys {

Result<uint64_t> execve(const SyscallArgs& args) {
  return Exec(args.task, {AT_FDCWD, args.a[0], args.a[1], args.a[2], kLookupFollow});
}

Result<uint64_t> execveat(const SyscallArgs& args) {
  const uint32_t flags = args.Uint(4);
  if ((flags & ~static_cast<uint32_t>(AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW)) != 0) {
    return Error(EINVAL);
  }
  uint32_t lookup = (flags & AT_SYMLINK_NOFOLLOW) != 0 ? 0u : uint32_t{kLookupFollow};
  lookup |= (flags & AT_EMPTY_PATH) != 0 ? uint32_t{kLookupEmptyPath} : 0u;
  return Exec(args.task, {args.Int(0), args.a[1], args.a[2], args.a[3], lookup});
}

}  // namespace sys
}  // namespace fv::guest
