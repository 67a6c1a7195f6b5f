// SPDX-License-Identifier: Apache-2.0
//
// Where in the kernel's code each of the last events was emitted, for a host that asks which
// function changed what is wrong now (src/fuzz/change_place.h). In kernels for tests only
// (FV_MUTANTS): in the kernel that users get there is nothing of this.
#pragma once

#include <cstddef>
#include <cstdint>

namespace fv::guest {

#ifdef FV_MUTANTS
inline constexpr size_t kEventSites = 512;
// By the event's sequence. The host finds it by the name of its section.
[[gnu::section("fv_event_sites"),
  gnu::used]] inline constinit uint64_t event_sites[kEventSites] = {};

inline void NoteEventSite(uint64_t sequence, const void* caller) {
  event_sites[sequence % kEventSites] = reinterpret_cast<uint64_t>(caller);
}
#else
inline void NoteEventSite(uint64_t /*sequence*/, const void* /*caller*/) {}
#endif

}  // namespace fv::guest
