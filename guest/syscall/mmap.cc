// SPDX-License-Identifier: Apache-2.0
//
// mmap, munmap, mprotect, mremap, remap_file_pages, brk: arguments decoded and checked in Linux's
// order; the work is Mm's.
#include <linux/fcntl.h>
#include <linux/mman.h>

#include "guest/fs/dentry.h"
#include "guest/fs/fd_table.h"
#include "guest/fs/vfs.h"
#include "guest/mm/commit.h"
#include "guest/mm/memory_object.h"
#include "guest/syscall/memory.h"
#include "guest/syscall/syscall.h"

namespace fv::guest::sys {
namespace {

constexpr uint64_t kPageMask = proto::kPageBytes - 1;
constexpr uint64_t kProtAccess = PROT_READ | PROT_WRITE | PROT_EXEC;
static_assert(PROT_READ == proto::kVmRead && PROT_WRITE == proto::kVmWrite &&
              PROT_EXEC == proto::kVmExec);

struct MmapArgs {
  uint64_t address;
  uint64_t length;
  uint64_t prot;
  uint64_t flags;
  int fd;
  uint64_t offset;

  bool Has(uint64_t flag) const { return (flags & flag) != 0; }
  uint64_t type() const { return flags & MAP_TYPE; }
  bool shared() const { return type() == MAP_SHARED || type() == MAP_SHARED_VALIDATE; }
};

// MAP_SHARED_VALIDATE refuses what it does not know; the older types ignore it.
constexpr uint64_t kMap32Bit = 0x40;
constexpr uint64_t kMap32BitEnd = uint64_t{1} << 31;
constexpr uint64_t kMapAbove4G = 0x80;
constexpr uint64_t kMapUninitialized = 0x4000000;  // and the bits of a huge page's size above it
// Linux: LEGACY_MAP_MASK.
constexpr uint64_t kKnownFlags = MAP_TYPE | MAP_FIXED | MAP_ANONYMOUS | MAP_GROWSDOWN |
                                 MAP_DENYWRITE | MAP_EXECUTABLE | MAP_LOCKED | MAP_NORESERVE |
                                 MAP_POPULATE | MAP_NONBLOCK | MAP_STACK | MAP_HUGETLB | kMap32Bit |
                                 kMapAbove4G | kMapUninitialized | (uint64_t{30} << 26);

// Nothing of the kernel's own file systems runs. (Linux: SB_I_NOEXEC.)
bool IsNoExec(const Superblock& superblock) {
  return (superblock.mount_flags & kMountNoExec) != 0 || &superblock == &PipeSuperblock() ||
         &superblock == &SocketSuperblock() || &superblock == &AnonymousSuperblock();
}

// A file's part of the request.
Status RequestFile(File& file, const MmapArgs& call, MapRequest& request) {
  if (call.type() == MAP_SHARED_VALIDATE && (call.flags & ~kKnownFlags) != 0) {
    return Error(EOPNOTSUPP);
  }
  if (call.type() == 0 || call.type() > MAP_SHARED_VALIDATE) {
    return Error(EINVAL);
  }
  if (!file.readable() || (call.shared() && (call.prot & PROT_WRITE) != 0 && !file.writable())) {
    return Error(EACCES);
  }
  if (call.shared() && !file.writable()) {
    request.may &= ~uint64_t{proto::kVmWrite};
  }
  if (IsNoExec(file.inode().superblock())) {
    if ((call.prot & PROT_EXEC) != 0) {
      return Error(EPERM);
    }
    request.may &= ~uint64_t{proto::kVmExec};
  }
  request.object = TRY(file.MapObject());
  if (call.Has(MAP_GROWSDOWN)) {
    return Error(EINVAL);
  }
  if (request.object) {  // else: /dev/zero
    constexpr uint32_t kNoWriting = F_SEAL_WRITE | F_SEAL_FUTURE_WRITE;
    if (call.shared() && (file.inode().seals & kNoWriting) != 0) {
      if ((call.prot & PROT_WRITE) != 0) {
        return Error(EPERM);
      }
      request.may &= ~uint64_t{proto::kVmWrite};
    }
    request.source = &file.dentry();
    request.page_offset = call.offset >> proto::kPageShift;
    file.inode().TouchAccess();
  }
  return Ok();
}

Status RequestAnonymous(const MmapArgs& call) {
  if (call.type() != MAP_SHARED && call.type() != MAP_PRIVATE) {
    return Error(EINVAL);
  }
  return call.shared() && call.Has(MAP_GROWSDOWN) ? Status(Error(EINVAL)) : Ok();
}

// What is wrong with the length or the place is told before anything else about the mapping.
// (Linux: do_mmap, get_unmapped_area.)
Status CheckPlace(const Mm& mm, const MmapArgs& call) {
  const uint64_t length = (call.length + kPageMask) & ~kPageMask;
  if (length == 0 || length > proto::kUserEnd) {
    return Error(ENOMEM);
  }
  if (!call.Has(MAP_FIXED | MAP_FIXED_NOREPLACE)) {
    return Ok();
  }
  if (call.address > proto::kUserEnd - length) {
    return Error(ENOMEM);
  }
  if ((call.address & kPageMask) != 0) {
    return Error(EINVAL);
  }
  const Vma* vma = call.Has(MAP_FIXED_NOREPLACE) ? mm.FindVmaFrom(call.address) : nullptr;
  return vma != nullptr && vma->start < call.address + length ? Status(Error(EEXIST)) : Ok();
}

// Who must not promise more than there is does not let a program ask for it either.
bool HonoursNoReserve() { return overcommit.policy != OvercommitPolicy::kNever; }

void DecodeFlags(const MmapArgs& call, MapRequest& request) {
  request.address = call.address;
  request.length = call.length;
  request.flags = (call.prot & kProtAccess) | (call.shared() ? proto::kVmShared : 0) |
                  (call.Has(MAP_GROWSDOWN) ? proto::kVmGrowsDown : 0) |
                  (HonoursNoReserve() && call.Has(MAP_NORESERVE) ? proto::kVmNoReserve : 0) |
                  (call.Has(MAP_LOCKED) ? proto::kVmLocked : 0) |
                  (call.Has(MAP_STACK) ? proto::kVmNoHugePage : 0);
  if (call.Has(MAP_FIXED_NOREPLACE)) {
    request.placement = MapPlacement::kFixedNoReplace;
  } else if (call.Has(MAP_FIXED)) {
    request.placement = MapPlacement::kFixed;
  }
  if (call.Has(kMap32Bit)) {
    request.ceiling = kMap32BitEnd;
  }
  if (call.Has(MAP_POPULATE) && !call.Has(MAP_NONBLOCK)) {
    request.populate = MapPopulate::kYes;
  }
}

}  // namespace

Result<uint64_t> mmap(const SyscallArgs& args) {
  const MmapArgs call{args.a[0], args.a[1], args.a[2], args.a[3], args.Int(4), args.a[5]};
  if ((call.offset & kPageMask) != 0) {
    return Error(EINVAL);
  }
  Ref<File> file;
  if (!call.Has(MAP_ANONYMOUS)) {
    file = TRY(args.task.files().Get(call.fd));
  }
  if (call.length == 0) {
    return Error(EINVAL);
  }
  if (call.Has(MAP_HUGETLB)) {
    // No huge pages are reserved; 2 MiB and 1 GiB are the sizes of the machine (0: the default).
    constexpr uint64_t kTwoMegabytes = 21, kOneGigabyte = 30;
    const uint64_t size = call.flags >> MAP_HUGE_SHIFT & MAP_HUGE_MASK;
    const bool known = size == 0 || size == kTwoMegabytes || size == kOneGigabyte;
    return Error(call.Has(MAP_ANONYMOUS) && known ? ENOMEM : EINVAL);
  }
  Mm& mm = CallerMm(args.task);
  TRY(CheckPlace(mm, call));
  if (call.Has(MAP_LOCKED) && mm.limits.locked == 0) {
    return Error(EPERM);
  }
  MapRequest request;
  DecodeFlags(call, request);
  if (file) {
    TRY(RequestFile(*file, call, request));
  } else {
    TRY(RequestAnonymous(call));
  }
  return mm.Map(request);
}

Result<uint64_t> munmap(const SyscallArgs& args) {
  TRY(CallerMm(args.task).Unmap(args.a[0], args.a[1]));
  return 0;
}

Result<uint64_t> mprotect(const SyscallArgs& args) {
  Mm& mm = CallerMm(args.task);
  uint64_t start = args.a[0];
  uint64_t length = args.a[1];
  const uint64_t prot = args.a[2];
  const uint64_t grows = prot & (PROT_GROWSDOWN | PROT_GROWSUP);
  if (grows == (PROT_GROWSDOWN | PROT_GROWSUP) || (start & kPageMask) != 0) {
    return Error(EINVAL);
  }
  if (length == 0) {
    return 0;
  }
  const uint64_t end = start + ((length + kPageMask) & ~kPageMask);
  if (end <= start) {
    return Error(ENOMEM);
  }
  if ((prot & ~(kProtAccess | PROT_SEM | grows)) != 0) {
    return Error(EINVAL);
  }
  if (grows != 0) {
    const Vma* vma = mm.FindVmaFrom(start);
    if (vma == nullptr || vma->start >= end || (grows == PROT_GROWSUP && vma->start > start)) {
      return Error(ENOMEM);
    }
    if (grows == PROT_GROWSUP || (vma->flags & proto::kVmGrowsDown) == 0) {
      return Error(EINVAL);
    }
    length += start - vma->start;
    start = vma->start;
  }
  TRY(mm.Protect(start, length, prot & kProtAccess));
  return 0;
}

Result<uint64_t> mremap(const SyscallArgs& args) {
  return CallerMm(args.task).Remap(args.a[0], args.a[1], args.a[2], args.a[3], args.a[4]);
}

Result<uint64_t> remap_file_pages(const SyscallArgs& args) {
  if (args.a[2] != 0) {
    return Error(EINVAL);
  }
  TRY(CallerMm(args.task).RemapFilePages(args.a[0], args.a[1], args.a[3]));
  return 0;
}

Result<uint64_t> brk(const SyscallArgs& args) { return CallerMm(args.task).SetBrk(args.a[0]); }

}  // namespace fv::guest::sys
