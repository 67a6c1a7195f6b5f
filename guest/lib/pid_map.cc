// SPDX-License-Identifier: Apache-2.0
//
// The bitmap is searched a word at a time.

#include "guest/lib/pid_map.h"

namespace fv::guest {

uint32_t PidMap::Find(uint32_t from, uint32_t to) const {
  for (uint32_t at = from; at < to;) {
    const uint64_t used = words_[at / 64] | ((uint64_t{1} << at % 64) - 1);
    if (used != ~uint64_t{0}) {
      const uint32_t pid = at / 64 * 64 + static_cast<uint32_t>(__builtin_ctzll(~used));
      return pid < to ? pid : to;
    }
    at = (at / 64 + 1) * 64;
  }
  return to;
}

Result<uint32_t> PidMap::Allocate() {
  uint32_t pid = Find(last_ + 1, limit_);
  if (pid == limit_) {
    pid = Find(kReservedPids, limit_);
  }
  if (pid == limit_) {
    return Error(EAGAIN);
  }
  Take(pid);
  last_ = pid;
  return pid;
}

Status PidMap::AllocateExact(uint32_t pid) {
  if (pid == 0 || pid >= limit_) {
    return Error(EINVAL);
  }
  if (InUse(pid)) {
    return Error(EEXIST);
  }
  Take(pid);
  return Ok();
}

uint32_t PidMap::NextInUse(uint32_t from) const {
  for (uint32_t at = from == 0 ? 1 : from; at < kPidMax;) {
    const uint64_t used = words_[at / 64] >> at % 64;
    if (used != 0) {
      return at + static_cast<uint32_t>(__builtin_ctzll(used));
    }
    at = (at / 64 + 1) * 64;
  }
  return 0;
}

void PidMap::Free(uint32_t pid) { words_[pid / 64] &= ~(uint64_t{1} << pid % 64); }

}  // namespace fv::guest
