// SPDX-License-Identifier: Apache-2.0
//
// The system as a whole: uname(2), sysinfo(2), host name, getrandom(2), arch_prctl(2), rseq(2),
// personality(2), membarrier(2), getcpu(2).

#include "guest/task/system.h"

#include <asm/prctl.h>
#include <linux/capability.h>
#include <linux/membarrier.h>
#include <linux/random.h>
#include <linux/rseq.h>

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

Status SetName(Task& task, uint64_t address, uint64_t length, char* name) {
  if (!task.Capable(CAP_SYS_ADMIN)) {
    return Error(EPERM);
  }
  if (length >= kUtsFieldBytes) {
    return Error(EINVAL);
  }
  char text[kUtsFieldBytes] = {};
  TRY(CopyFromUser(*task.mm(), text, address, length));
  memcpy(name, text, sizeof(text));
  return Ok();
}

constexpr uint32_t kRseqMinBytes = 32;

// The CPU number that a registered area shows: always 0 here.
Status InitRseqArea(Task& task, uint64_t address) {
  TRY(WriteUser(*task.mm(), address, uint32_t{0}));        // cpu_id_start
  return WriteUser(*task.mm(), address + 4, uint32_t{0});  // cpu_id
}

Status UnregisterRseq(Task& task, uint64_t area, uint32_t bytes, uint32_t signature) {
  if (task.rseq_area != area || task.rseq_area == 0 || bytes != task.rseq_bytes) {
    return Error(EINVAL);
  }
  if (signature != task.rseq_signature) {
    return Error(EPERM);
  }
  (void)WriteUser(*task.mm(), area, uint32_t{0}).ok();
  (void)WriteUser(*task.mm(), area + 4, static_cast<uint32_t>(RSEQ_CPU_ID_UNINITIALIZED)).ok();
  task.rseq_area = 0;
  task.rseq_bytes = 0;
  return Ok();
}

}  // namespace

namespace sys {

Result<uint64_t> uname(const SyscallArgs& args) {
  TRY(WriteUser(*args.task.mm(), args.a[0], SystemName()));
  return uint64_t{0};
}

Result<uint64_t> sethostname(const SyscallArgs& args) {
  if (args.Int(1) < 0) {
    return Error(EINVAL);
  }
  TRY(SetName(args.task, args.a[0], args.a[1], SystemName().node));
  return uint64_t{0};
}

Result<uint64_t> setdomainname(const SyscallArgs& args) {
  if (args.Int(1) < 0) {
    return Error(EINVAL);
  }
  TRY(SetName(args.task, args.a[0], args.a[1], SystemName().domain));
  return uint64_t{0};
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
    default:
      return Error(EINVAL);
  }
}

// rseq(area, bytes, flags, signature)
Result<uint64_t> rseq(const SyscallArgs& args) {
  Task& task = args.task;
  const uint64_t area = args.a[0];
  const uint32_t bytes = args.Uint(1);
  const int flags = args.Int(2);
  const uint32_t signature = args.Uint(3);
  if (flags == RSEQ_FLAG_UNREGISTER) {
    TRY(UnregisterRseq(task, area, bytes, signature));
    return uint64_t{0};
  }
  if (flags != 0) {
    return Error(EINVAL);
  }
  if (task.rseq_area != 0) {
    if (task.rseq_area != area || task.rseq_bytes != bytes) {
      return Error(EINVAL);
    }
    return Error(task.rseq_signature != signature ? EPERM : EBUSY);
  }
  if (bytes < kRseqMinBytes || area % kRseqMinBytes != 0 || area >= proto::kUserEnd) {
    return Error(area >= proto::kUserEnd ? EFAULT : EINVAL);
  }
  if (!InitRseqArea(task, area).ok()) {
    return Error(EFAULT);
  }
  task.rseq_area = area;
  task.rseq_bytes = bytes;
  task.rseq_signature = signature;
  return uint64_t{0};
}

Result<uint64_t> personality(const SyscallArgs& args) {
  constexpr uint32_t kQuery = 0xFFFFFFFF;
  const uint32_t old = args.task.personality;
  if (args.Uint(0) != kQuery) {
    args.task.personality = args.Uint(0);
  }
  return uint64_t{old};
}

// One CPU: every barrier is met by coming here. Registration is remembered for nothing.
Result<uint64_t> membarrier(const SyscallArgs& args) {
  constexpr int kSupported = MEMBARRIER_CMD_GLOBAL | MEMBARRIER_CMD_GLOBAL_EXPEDITED |
                             MEMBARRIER_CMD_REGISTER_GLOBAL_EXPEDITED |
                             MEMBARRIER_CMD_PRIVATE_EXPEDITED |
                             MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED;
  const int command = args.Int(0);
  if (args.Uint(1) != 0) {
    return Error(EINVAL);
  }
  if (command == MEMBARRIER_CMD_QUERY) {
    return static_cast<uint64_t>(kSupported);
  }
  const bool single = command > 0 && (command & (command - 1)) == 0;
  if (!single || (command & kSupported) == 0) {
    return Error(EINVAL);
  }
  uint32_t& registered = args.task.mm()->membarrier_registered;
  if (command == MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED) {
    registered |= MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED;
  }
  if (command == MEMBARRIER_CMD_PRIVATE_EXPEDITED &&
      (registered & MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED) == 0) {
    return Error(EPERM);
  }
  return uint64_t{0};
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
