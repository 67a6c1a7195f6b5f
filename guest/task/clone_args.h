// SPDX-License-Identifier: Apache-2.0
//
// What fork, vfork, clone and clone3 ask for, in one form, and which combinations are refused
// (clone(2); the order of the checks is Linux's, so the errno is too). Pure: unit tested.
#pragma once

#include <cstddef>
#include <cstdint>

#include "guest/lib/result.h"

namespace fv::guest {

// Flags that <linux/sched.h> has under the same names.
enum CloneFlag : uint64_t {
  kCloneNewTime = 0x80,
  kCloneVm = 0x100,
  kCloneFs = 0x200,
  kCloneFiles = 0x400,
  kCloneSighand = 0x800,
  kClonePidfd = 0x1000,
  kClonePtrace = 0x2000,
  kCloneVfork = 0x4000,
  kCloneParent = 0x8000,
  kCloneThread = 0x10000,
  kCloneNewNs = 0x20000,
  kCloneSysvsem = 0x40000,
  kCloneSetTls = 0x80000,
  kCloneParentSetTid = 0x100000,
  kCloneChildClearTid = 0x200000,
  kCloneDetached = 0x400000,
  kCloneUntraced = 0x800000,
  kCloneChildSetTid = 0x1000000,
  kCloneNewCgroup = 0x2000000,
  kCloneNewUts = 0x4000000,
  kCloneNewIpc = 0x8000000,
  kCloneNewUser = 0x10000000,
  kCloneNewPid = 0x20000000,
  kCloneNewNet = 0x40000000,
  kCloneIo = 0x80000000,
  kCloneClearSighand = 0x100000000,
  kCloneIntoCgroup = 0x200000000,
};
inline constexpr uint64_t kCsignal = 0xFF;
inline constexpr uint64_t kCloneNamespaces = kCloneNewTime | kCloneNewNs | kCloneNewCgroup |
                                             kCloneNewUts | kCloneNewIpc | kCloneNewUser |
                                             kCloneNewPid | kCloneNewNet;

struct CloneArgs {
  uint64_t flags = 0;
  uint64_t pidfd = 0;       // user address
  uint64_t child_tid = 0;   // user address
  uint64_t parent_tid = 0;  // user address
  uint64_t exit_signal = 0;
  uint64_t stack = 0;  // the child's stack pointer; 0: the parent's
  uint64_t tls = 0;
  const int32_t* set_tid = nullptr;  // wanted numbers, the innermost pid namespace's first
  size_t set_tid_count = 0;
};

// struct clone_args of clone3(2).
struct Clone3Args {
  uint64_t flags, pidfd, child_tid, parent_tid, exit_signal, stack, stack_size, tls;
  uint64_t set_tid, set_tid_size;  // version 1
  uint64_t cgroup;                 // version 2
};
inline constexpr size_t kClone3SizeVer0 = 64;
inline constexpr size_t kClone3SizeVer2 = sizeof(Clone3Args);
static_assert(sizeof(Clone3Args) == 88);

// The checks that need nothing but the flags. `parent_unkillable`: the caller is an init.
// Errors: EINVAL.
enum class ParentKind { kOrdinary, kUnkillable };
Status CheckCloneFlags(uint64_t flags, ParentKind parent);
// clone3's own checks (flags known, exit signal, stack and its size) and the conversion. set_tid is
// left to the caller, who can read user memory. Errors: EINVAL.
Result<CloneArgs> FromClone3(const Clone3Args& user);

}  // namespace fv::guest
