// SPDX-License-Identifier: Apache-2.0
//
// Overcommit accounting (Linux: vm_committed_as, Documentation/mm/overcommit-accounting.rst). What
// a mapping or an object of shared memory may come to need is charged when it is promised, whatever
// becomes of it, and the policy says how much may be promised.
//
// Charged: the pages of mappings with kVmAccount; objects by their ObjectAccounting. Invariant:
// ChannelHeader::committed_pages is the sum of both; the host recomputes it (I13).
// Locking: the counter would be atomic with a second vCPU; the settings are single words.
#pragma once

#include <cstdint>

#include "guest/lib/result.h"
#include "guest/mm/vma.h"
#include "proto/records.h"

namespace fv::guest {

class Mm;

// /proc/sys/vm/overcommit_memory.
enum class OvercommitPolicy : uint8_t { kHeuristic = 0, kAlways = 1, kNever = 2 };

struct OvercommitSettings {
  OvercommitPolicy policy = OvercommitPolicy::kHeuristic;
  uint64_t ratio = 50;                // percent of RAM, unless `kbytes` is set
  uint64_t kbytes = 0;                // 0: the ratio counts
  uint64_t admin_reserve_kbytes = 0;  // kept for who has CAP_SYS_ADMIN
  uint64_t user_reserve_kbytes = 0;   // kept so that one process cannot take all that is left
};
extern OvercommitSettings overcommit;

// Sets the reserves from free memory, as Linux does (1/32, at most 8 MiB and 128 MiB). Call after
// InitFrames.
void InitCommit();

// Who asks: `total_pages` and the privilege matter under OvercommitPolicy::kNever. nullptr: the
// kernel, for nobody in particular.
// Errors: ENOMEM; nothing is charged then. (Linux: __vm_enough_memory.)
Status ChargeCommit(const Mm* mm, uint64_t pages);
// Charges what cannot be refused: pages of a file that was there at boot.
void ChargeCommitAlways(uint64_t pages);
void UnchargeCommit(uint64_t pages);

uint64_t CommittedPages();
// The most that may be promised under kNever, in pages. (Linux: vm_commit_limit.)
uint64_t CommitLimit();

// Whether a mapping with these flags is charged: private and writable, not MAP_NORESERVE.
// (Linux: accountable_mapping.)
constexpr bool IsAccountable(uint64_t vm_flags) {
  return (vm_flags & (proto::kVmNoReserve | proto::kVmShared | proto::kVmWrite)) == proto::kVmWrite;
}
// Pages that a mapping is charged for now.
inline uint64_t ChargeOf(const Vma& vma) {
  return (vma.flags & proto::kVmAccount) != 0 ? vma.page_count() : 0;
}

// A charge that is given back unless kept: for operations that can still fail.
class CommitCharge {
 public:
  CommitCharge() = default;
  CommitCharge(const CommitCharge&) = delete;
  CommitCharge& operator=(const CommitCharge&) = delete;
  ~CommitCharge() { UnchargeCommit(pages_); }
  Status Take(const Mm& mm, uint64_t pages) {
    TRY(ChargeCommit(&mm, pages));
    pages_ += pages;
    return Ok();
  }
  void Keep() { pages_ = 0; }

 private:
  uint64_t pages_ = 0;
};

}  // namespace fv::guest
