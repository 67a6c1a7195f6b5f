// SPDX-License-Identifier: Apache-2.0
//
// See commit.h.
#include "guest/mm/commit.h"

#include "guest/introspect/introspect.h"
#include "guest/lib/print.h"
#include "guest/mm/frames.h"
#include "guest/mm/mm.h"

namespace fv::guest {
namespace {

constexpr uint64_t kKibPerPage = proto::kPageBytes / 1024;
constexpr uint64_t kMaxAdminReserveKib = 8 * 1024;
constexpr uint64_t kMaxUserReserveKib = 128 * 1024;
constexpr uint64_t kReserveShare = 32;

uint64_t Less(uint64_t from, uint64_t by) { return from > by ? from - by : 0; }

// What one caller may bring the total to under kNever.
uint64_t AllowedPages(const Mm* mm) {
  uint64_t allowed = CommitLimit();
  if (mm == nullptr) {
    return allowed;
  }
  if (mm->limits.privilege == CommitPrivilege::kNone) {
    allowed = Less(allowed, overcommit.admin_reserve_kbytes / kKibPerPage);
  }
  const uint64_t share = mm->total_pages / kReserveShare;
  const uint64_t reserve = overcommit.user_reserve_kbytes / kKibPerPage;
  return Less(allowed, share < reserve ? share : reserve);
}

bool MayCommit(const Mm* mm, uint64_t pages) {
  switch (overcommit.policy) {
    case OvercommitPolicy::kAlways:
      return true;
    case OvercommitPolicy::kHeuristic:
      return pages <= TotalFrames();
    case OvercommitPolicy::kNever:
      break;
  }
  const uint64_t allowed = AllowedPages(mm);
  return pages < allowed && CommittedPages() < allowed - pages;
}

}  // namespace

constinit OvercommitSettings overcommit;

void InitCommit() {
  const uint64_t share = FreeFrameCount() * kKibPerPage / kReserveShare;
  overcommit = OvercommitSettings{};
  overcommit.admin_reserve_kbytes = share < kMaxAdminReserveKib ? share : kMaxAdminReserveKib;
  overcommit.user_reserve_kbytes = share < kMaxUserReserveKib ? share : kMaxUserReserveKib;
}

Status ChargeCommit(const Mm* mm, uint64_t pages) {
  if (pages == 0) {
    return Ok();
  }
  if (!MayCommit(mm, pages)) {
    return Error(ENOMEM);
  }
  Channel().committed_pages += pages;
  return Ok();
}

void ChargeCommitAlways(uint64_t pages) { Channel().committed_pages += pages; }

void UnchargeCommit(uint64_t pages) {
  FV_CHECK(pages <= Channel().committed_pages);
  Channel().committed_pages -= pages;
}

uint64_t CommittedPages() { return Channel().committed_pages; }

uint64_t CommitLimit() {
  constexpr uint64_t kPercent = 100;
  return overcommit.kbytes != 0 ? overcommit.kbytes / kKibPerPage
                                : TotalFrames() * overcommit.ratio / kPercent;
}

}  // namespace fv::guest
