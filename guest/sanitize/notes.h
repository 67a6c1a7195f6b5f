// SPDX-License-Identifier: Apache-2.0
//
// Notes on who allocated and freed an object, in the redzone behind it, and on who freed a frame,
// in the frame. Code addresses are kept as offsets from the kernel's base, which fit 32 bits.
#pragma once

#include <cstdint>

#include "guest/lib/sanitize.h"
#include "guest/mm/slab.h"
#include "proto/records.h"

namespace fv::guest::sanitize {

inline constexpr unsigned kNotedCallers = 3;

struct Site {
  uint32_t pid;
  uint32_t callers[kNotedCallers];  // 0: none
};

struct ObjectNotes {
  Site allocated;
  Site freed;
};
static_assert(sizeof(ObjectNotes) == kObjectRedzone);

struct FrameNotes {
  Site freed;
  proto::FrameState before;
};

// Who runs, and from where: the callers of the function with `frame`, after `skip` of them.
Site SiteOf(const void* frame, unsigned skip);

inline ObjectNotes& NotesOf(void* object, size_t stride) {
  return *reinterpret_cast<ObjectNotes*>(static_cast<uint8_t*>(object) + stride -
                                         sizeof(ObjectNotes));
}
inline FrameNotes& NotesOfFrame(uint64_t pfn) {
  return *reinterpret_cast<FrameNotes*>(proto::DirectMap(pfn << proto::kPageShift));
}
void NoteFreedFrame(uint64_t pfn);

}  // namespace fv::guest::sanitize
