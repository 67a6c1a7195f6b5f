// SPDX-License-Identifier: Apache-2.0
//
// Allocations that fail on purpose. A plan says which of them, and from which moment on they are
// counted; the guest kernel keeps the state beside it. The host writes the plan before boot, or
// while the vCPU stands still; a program makes its own with prctl(kPrFailNth).
#pragma once

#include <cstdint>

namespace fv::proto {

enum class FailMode : uint32_t {
  kOff = 0,
  kNth,          // the `number`-th allocation
  kEvery,        // every `number`-th
  kProbability,  // each one with a probability of `number` / 2^32
};

// The moment from which allocations are counted. A plan is started once.
enum class FailTrigger : uint32_t {
  kNone = 0,  // no plan, or it was started
  kStart,     // the first instruction of the first program
  kMark,      // prctl(kPrMark, value) of any program
  kFork,      // fork, vfork, clone or clone3 of any program
  kSyscall,   // any program enters system call number `value`; wants EventKind::kSyscallEnter
};

struct FailControl {
  FailMode mode;
  FailTrigger trigger;
  uint64_t trigger_value;
  uint64_t number;
  uint64_t seed;  // kProbability: of the generator; not 0

  // The kernel's.
  FailMode active;
  uint32_t reserved;
  uint64_t counted;  // allocations since the plan was started
  uint64_t failed;   // of them; EventKind::kFailedAllocation tells each
  uint64_t random;   // the generator's state
};
static_assert(sizeof(FailControl) == 64);

// Forkvisor's own operations of prctl(2); Linux does not know them (EINVAL). Both want
// CAP_SYS_ADMIN.
// kPrFailNth(n): the n-th allocation from now fails; 0: none does. Returns how many failed so far.
inline constexpr int kPrFailNth = 0x46560001;
// kPrMark(id, value): gives unused kernel memory back (spare page tables, empty slabs), so that two
// marks can be compared to the frame; then the event kMark and a safepoint. Returns 0.
inline constexpr int kPrMark = 0x46560002;

}  // namespace fv::proto
