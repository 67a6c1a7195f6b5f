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

constexpr uint32_t kCheckOnly = 0x10000;  // AT_EXECVE_CHECK, since Linux 6.14

struct ExecCall {
  int dirfd;
  uint64_t path, argv, envp;
  uint32_t flags;  // of execveat(2)
};

// The name that the program sees (AT_EXECFN) when it is executed by descriptor.
void NameByDescriptor(char* path, int dirfd) {
  char name[kPathMax / 8];
  if (path[0] == '\0') {
    Format(name, sizeof(name), "/dev/fd/%d", dirfd);
    memcpy(path, name, strlen(name) + 1);
  }
}

uint32_t LookupOf(uint32_t flags) {
  return ((flags & AT_SYMLINK_NOFOLLOW) != 0 ? 0 : uint32_t{kLookupFollow}) |
         ((flags & AT_EMPTY_PATH) != 0 ? uint32_t{kLookupEmptyPath} : 0);
}

Result<uint64_t> Exec(Task& task, const ExecCall& call) {
  auto* path = static_cast<char*>(KernelAllocate(kPathMax));
  if (path == nullptr) {
    return Error(ENOMEM);
  }
  ScopeGuard free_path([path] { KernelFree(path, kPathMax); });
  const size_t length = TRY(CopyStringFromUser(*task.mm(), call.path, path, kPathMax));
  const bool empty = length == 0;
  if (empty && (call.flags & AT_EMPTY_PATH) == 0) {
    return Error(ENOENT);
  }
  if ((call.flags & ~uint32_t{AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW | kCheckOnly}) != 0) {
    return Error(EINVAL);
  }
  ExecRequest request{};
  request.dirfd = call.dirfd;
  request.path = path;
  request.lookup_flags = LookupOf(call.flags);
  request.purpose = (call.flags & kCheckOnly) != 0 ? ExecPurpose::kCheck : ExecPurpose::kRun;
  request.arguments = {task.mm(), call.argv, nullptr, 0};
  request.environment = {task.mm(), call.envp, nullptr, 0};
  if (empty) {
    // The file of the descriptor, opened now: the path that the program sees is another.
    request.file = TRY(OpenForExec({task.fs(), task.cred(), &task.files()}, call.dirfd, path,
                                   request.lookup_flags));
    NameByDescriptor(path, call.dirfd);
  }
  TRY(ExecProgram(request));
  return uint64_t{0};
}

}  // namespace

namespace sys {

Result<uint64_t> execve(const SyscallArgs& args) {
  return Exec(args.task, {AT_FDCWD, args.a[0], args.a[1], args.a[2], 0});
}

Result<uint64_t> execveat(const SyscallArgs& args) {
  return Exec(args.task, {args.Int(0), args.a[1], args.a[2], args.a[3], args.Uint(4)});
}

}  // namespace sys
}  // namespace fv::guest
