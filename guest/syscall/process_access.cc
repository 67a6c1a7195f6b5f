// SPDX-License-Identifier: Apache-2.0
//
// Looking into other processes: process_vm_readv(2), process_vm_writev(2), pidfd_getfd(2), kcmp(2),
// process_mrelease(2); and setns(2), which a kernel without namespaces refuses.

#include <linux/capability.h>
#include <linux/kcmp.h>

#include "guest/fs/fd_table.h"
#include "guest/fs/proc_source.h"
#include "guest/lib/scope_guard.h"
#include "guest/mm/slab.h"
#include "guest/mm/user_copy.h"
#include "guest/syscall/syscall.h"
#include "guest/task/pidfd.h"
#include "guest/task/task.h"

namespace fv::guest {
namespace {

constexpr unsigned kRlimitNofile = 7;
constexpr uint64_t kMaxSegments = 1024;  // UIO_MAXIOV

struct Segment {  // struct iovec
  uint64_t base;
  uint64_t length;
};

// One side of a transfer: an iovec array in the caller's memory about `mm`.
struct Side {
  Mm* mm;
  uint64_t array;
  uint64_t count;
  uint64_t index = 0;
  uint64_t offset = 0;
};

enum class Move { kRead, kWrite };

// The rest of the segment at hand; length 0 at the end. Errors: EFAULT, EINVAL.
Result<Segment> Next(Mm& caller, Side& side) {
  while (side.index < side.count) {
    const Segment whole = TRY(ReadUser<Segment>(caller, side.array + side.index * sizeof(Segment)));
    if (whole.length > INT64_MAX) {
      return Error(EINVAL);
    }
    if (side.offset < whole.length) {
      return Segment{whole.base + side.offset, whole.length - side.offset};
    }
    ++side.index;
    side.offset = 0;
  }
  return Segment{0, 0};
}

// Copies a page at most. Returns what was moved; 0 at a bad address.
size_t CopyPiece(Move move, Side& local, uint64_t here, Side& remote, uint64_t there, size_t bytes,
                 uint8_t* page) {
  Mm& from = move == Move::kRead ? *remote.mm : *local.mm;
  Mm& to = move == Move::kRead ? *local.mm : *remote.mm;
  const size_t got = CopyFromUserPartial(from, page, move == Move::kRead ? there : here, bytes);
  return CopyToUserPartial(to, move == Move::kRead ? here : there, page, got);
}

Result<uint64_t> Transfer(Move move, Mm& caller, Side local, Side remote, uint8_t* page) {
  uint64_t done = 0;
  for (;;) {
    const Segment mine = TRY(Next(caller, local));
    const Segment theirs = TRY(Next(caller, remote));
    uint64_t bytes = mine.length < theirs.length ? mine.length : theirs.length;
    bytes = bytes < proto::kPageBytes ? bytes : proto::kPageBytes;
    if (bytes == 0) {
      return done;
    }
    const size_t moved = CopyPiece(move, local, mine.base, remote, theirs.base, bytes, page);
    done += moved;
    local.offset += moved;
    remote.offset += moved;
    if (moved < bytes) {
      return done == 0 ? Result<uint64_t>(Error(EFAULT)) : Result<uint64_t>(done);
    }
  }
}

// process_vm_readv(pid, local, local count, remote, remote count, flags)
Result<uint64_t> ProcessVm(const SyscallArgs& args, Move move) {
  if (args.a[5] != 0 || args.a[2] > kMaxSegments || args.a[4] > kMaxSegments) {
    return Error(EINVAL);
  }
  if (FindTask(args.Uint(0)) == nullptr) {
    return Error(ESRCH);
  }
  if (!MayInspectTask(args.Uint(0))) {
    return Error(EPERM);
  }
  Mm* other = TRY(GetTaskMm(args.Uint(0)));
  if (other == nullptr) {
    return Error(ESRCH);
  }
  ScopeGuard put([other] { other->Put(); });
  auto* page = static_cast<uint8_t*>(KernelAllocate(proto::kPageBytes));
  if (page == nullptr) {
    return Error(ENOMEM);
  }
  ScopeGuard free_page([page] { KernelFree(page, proto::kPageBytes); });
  Mm& mine = *args.task.mm();
  return Transfer(move, mine, {&mine, args.a[1], args.a[2]}, {other, args.a[3], args.a[4]}, page);
}

// Order by address, as kcmp promises no more than a consistent one.
uint64_t Order(uint64_t a, uint64_t b) { return a == b ? 0 : a < b ? 1 : 2; }

Result<uint64_t> CompareFiles(const Task& a, const Task& b, int fd_a, int fd_b) {
  if (a.files_or_null() == nullptr || b.files_or_null() == nullptr) {
    return Error(EBADF);
  }
  const Ref<File> file_a = TRY(a.files().GetPath(fd_a));
  const Ref<File> file_b = TRY(b.files().GetPath(fd_b));
  return Order(AddressOf(file_a.get()), AddressOf(file_b.get()));
}

}  // namespace

namespace sys {

Result<uint64_t> process_vm_readv(const SyscallArgs& args) { return ProcessVm(args, Move::kRead); }
Result<uint64_t> process_vm_writev(const SyscallArgs& args) {
  return ProcessVm(args, Move::kWrite);
}

// pidfd_getfd(pidfd, fd, flags)
Result<uint64_t> pidfd_getfd(const SyscallArgs& args) {
  if (args.Uint(2) != 0) {
    return Error(EINVAL);
  }
  Ref<File> pidfd = TRY(args.task.files().Get(args.Int(0)));
  const Task* target = TaskOfPidfd(*pidfd);
  if (target == nullptr) {
    return Error(EBADF);
  }
  if (target->files_or_null() == nullptr) {
    return Error(ESRCH);
  }
  if (!MayInspectTask(target->pid)) {
    return Error(EPERM);
  }
  Ref<File> file = TRY(target->files().GetPath(args.Int(1)));
  const int fd = TRY(args.task.files().Add(std::move(file), CloseOnExecFlag::kYes,
                                           args.task.rlimit(kRlimitNofile)));
  return static_cast<uint64_t>(fd);
}

// kcmp(pid1, pid2, type, index1, index2)
Result<uint64_t> kcmp(const SyscallArgs& args) {
  const Task* a = FindTask(args.Uint(0));
  const Task* b = FindTask(args.Uint(1));
  if (a == nullptr || b == nullptr) {
    return Error(ESRCH);
  }
  if (!MayInspectTask(a->pid) || !MayInspectTask(b->pid)) {
    return Error(EPERM);
  }
  switch (args.Int(2)) {
    case KCMP_FILE:
      return CompareFiles(*a, *b, args.Int(3), args.Int(4));
    case KCMP_VM:
      return Order(AddressOf(a->mm()), AddressOf(b->mm()));
    case KCMP_FILES:
      return Order(AddressOf(a->files_or_null()), AddressOf(b->files_or_null()));
    case KCMP_FS:
      return Order(AddressOf(a->fs_context), AddressOf(b->fs_context));
    case KCMP_SIGHAND:
      return Order(a->TaskRecord::sighand, b->TaskRecord::sighand);
    case KCMP_IO:
    case KCMP_SYSVSEM:
      return uint64_t{0};  // nobody has any
    default:
      return Error(EINVAL);
  }
}

// Frees the memory of a process that is being killed. Here exit does that before anybody could ask.
Result<uint64_t> process_mrelease(const SyscallArgs& args) {
  if (args.Uint(1) != 0) {
    return Error(EINVAL);
  }
  Ref<File> pidfd = TRY(args.task.files().Get(args.Int(0)));
  const Task* target = TaskOfPidfd(*pidfd);
  if (target == nullptr) {
    return Error(EBADF);
  }
  if (target->mm() == nullptr) {
    return target->state == proto::TaskState::kDead ? Result<uint64_t>(Error(ESRCH))
                                                    : Result<uint64_t>(uint64_t{0});
  }
  const bool dying = (target->signal().flags & kSignalGroupExit) != 0;
  return dying ? Result<uint64_t>(uint64_t{0}) : Result<uint64_t>(Error(EINVAL));
}

Result<uint64_t> setns(const SyscallArgs& args) {
  Ref<File> file = TRY(args.task.files().Get(args.Int(0)));
  return Error(EINVAL);  // no descriptor refers to a namespace
}

}  // namespace sys
}  // namespace fv::guest
