// SPDX-License-Identifier: Apache-2.0
//
// The system as a whole: uname(2), sysinfo(2), host name, getrandom(2), arch_prctl(2),
// personality(2), getcpu(2).

#include "guest/task/namespaces.h"

#include <asm/prctl.h>
#include <linux/capability.h>
#include <linux/random.h>

#include "guest/arch/arch.h"
#include "guest/introspect/introspect.h"
#include "guest/lib/scope_guard.h"
#include "guest/lib/string.h"
#include "guest/mm/frames.h"
#include "guest/mm/slab.h"
#include "guest/mm/user_copy.h"
#include "guest/syscall/rusage.h"
#include "guest/syscall/syscall.h"
#include "guest/task/random.h"
#include "guest/task/sched_internal.h"
#include "guest/task/signal_abi.h"
#include "guest/task/task.h"
#include "guest/task/task_internal.h"

namespace fv::guest {
namespace {

struct Sysinfo {  // struct sysinfo
  int64_t uptime;
  uint64_t loads[3];
  uint64_t total_ram, free_ram, shared_ram, buffer_ram, total_swap, free_swap;
  uint16_t processes;
  uint16_t pad;
  uint32_t pad2;
  uint64_t total_high, free_high;
  uint32_t unit;
  uint32_t pad3;
};
static_assert(sizeof(Sysinfo) == 112);

Result<uint64_t> SetName(const SyscallArgs& args, char (&name)[kUtsFieldBytes]) {
  const int length = args.Int(1);
  if (!args.task.Capable(CAP_SYS_ADMIN)) {
    return Error(EPERM);
  }
  if (length < 0 || length >= static_cast<int>(kUtsFieldBytes)) {
    return Error(EINVAL);
  }
  char text[kUtsFieldBytes] = {};
  TRY(CopyFromUser(*args.task.mm(), text, args.a[0], static_cast<uint64_t>(length)));
  memcpy(name, text, sizeof(text));
  return uint64_t{0};
}

}  // namespace

namespace sys {

Result<uint64_t> uname(const SyscallArgs& args) {
  TRY(WriteUser(*args.task.mm(), args.a[0],
                NameSeenWith(args.task.personality, args.task.uts->name)));
  return uint64_t{0};
}

Result<uint64_t> sethostname(const SyscallArgs& args) {
  return SetName(args, args.task.uts->name.node);
}

Result<uint64_t> setdomainname(const SyscallArgs& args) {
  return SetName(args, args.task.uts->name.domain);
}

Result<uint64_t> sysinfo(const SyscallArgs& args) {
  Sysinfo info{};
  info.uptime = static_cast<int64_t>(MonotonicNs() / kNsPerSec);
  info.total_ram = TotalFrames() * proto::kPageBytes;
  info.free_ram = FreeFrameCount() * proto::kPageBytes;
  info.processes = static_cast<uint16_t>(ThreadCount());
  info.unit = 1;
  TRY(WriteUser(*args.task.mm(), args.a[0], info));
  return uint64_t{0};
}

Result<uint64_t> getrandom(const SyscallArgs& args) {
  constexpr uint32_t kKnown = GRND_NONBLOCK | GRND_RANDOM | GRND_INSECURE;
  const uint32_t flags = args.Uint(2);
  if ((flags & ~kKnown) != 0 ||
      (flags & (GRND_RANDOM | GRND_INSECURE)) == (GRND_RANDOM | GRND_INSECURE)) {
    return Error(EINVAL);
  }
  const uint64_t wanted = args.a[1] < INT32_MAX ? args.a[1] : INT32_MAX;
  uint8_t bytes[256];
  uint64_t done = 0;
  while (done < wanted) {
    const uint64_t left = wanted - done;
    const uint64_t piece = left < sizeof(bytes) ? left : sizeof(bytes);
    FillRandom(bytes, piece);
    const size_t copied = CopyToUserPartial(*args.task.mm(), args.a[0] + done, bytes, piece);
    done += copied;
    if (copied < piece) {
      break;
    }
    if (FatalSignalPending(args.task)) {
      break;
    }
  }
  return done == 0 && wanted > 0 ? Result<uint64_t>(Error(EFAULT)) : Result<uint64_t>(done);
}

Result<uint64_t> arch_prctl(const SyscallArgs& args) {
  const uint64_t value = args.a[1];
  switch (args.Int(0)) {
    case ARCH_SET_FS:
      if (value >= proto::kUserEnd) {
        return Error(EPERM);
      }
      args.task.fs_base = value;
      WriteFsBase(value);
      return uint64_t{0};
    case ARCH_SET_GS:
      if (value >= proto::kUserEnd) {
        return Error(EPERM);
      }
      args.task.gs_base = value;
      WriteGsBase(value);
      return uint64_t{0};
    case ARCH_GET_FS:
      TRY(WriteUser(*args.task.mm(), value, ReadFsBase()));
      return uint64_t{0};
    case ARCH_GET_GS:
      TRY(WriteUser(*args.task.mm(), value, ReadGsBase()));
      return uint64_t{0};
    case ARCH_GET_CPUID:
      return uint64_t{1};  // allowed
    case ARCH_SET_CPUID:
      return Error(ENODEV);  // this CPU cannot refuse it
    default:
      return Error(EINVAL);
  }
}

Result<uint64_t> personality(const SyscallArgs& args) {
  constexpr uint32_t kQuery = 0xFFFFFFFF;
  const uint32_t old = args.task.personality;
  if (args.Uint(0) != kQuery) {
    args.task.personality = args.Uint(0);
  }
  return uint64_t{old};
}

Result<uint64_t> getcpu(const SyscallArgs& args) {
  for (uint64_t address : {args.a[0], args.a[1]}) {
    if (address != 0) {
      TRY(WriteUser(*args.task.mm(), address, uint32_t{0}));
    }
  }
  return uint64_t{0};
}

}  // namespace sys
}  // namespace fv::guest
