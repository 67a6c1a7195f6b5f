// SPDX-License-Identifier: Apache-2.0
//
// Process ids: a bitmap searched upwards from the last id given out, so that an id is not reused
// before the numbers have wrapped (Linux: alloc_pid, kernel.pid_max). After the first wrap ids
// below kReservedPids are left to the system's own processes, as on Linux. Pure: unit tested on the
// host. Locking: the pid map's (pidmap_lock); one vCPU needs none.
#pragma once

#include <cstdint>

#include "guest/lib/result.h"

namespace fv::guest {

inline constexpr uint32_t kPidMax = 32768;  // ids are below this, or below a limit that was set
inline constexpr uint32_t kReservedPids = 300;

class PidMap {
 public:
  // The next free id. Error: EAGAIN (none is free).
  Result<uint32_t> Allocate();
  // Ids given out from now on are below `limit`; those in use stay. REQUIRES: kReservedPids < limit
  // <= kPidMax.
  void SetLimit(uint32_t limit) { limit_ = limit; }
  uint32_t limit() const { return limit_; }
  // A given id (clone3's set_tid). Errors: EEXIST, EINVAL.
  Status AllocateExact(uint32_t pid);
  void Free(uint32_t pid);
  // The lowest id in use that is at least `from`; 0: none.
  uint32_t NextInUse(uint32_t from) const;
  // The next id is 1 again, as in a new map. REQUIRES: none is in use.
  void Rewind() { last_ = 0; }
  bool InUse(uint32_t pid) const { return (words_[pid / 64] >> pid % 64 & 1) != 0; }
  uint32_t last() const { return last_; }

 private:
  // Lowest free id in [from, to), or `to`; `from` may be above.
  uint32_t Find(uint32_t from, uint32_t to) const;
  void Take(uint32_t pid) { words_[pid / 64] |= uint64_t{1} << pid % 64; }

  uint64_t words_[kPidMax / 64] = {1};  // 0 belongs to the idle task
  uint32_t last_ = 0;
  uint32_t limit_ = kPidMax;
};

}  // namespace fv::guest
