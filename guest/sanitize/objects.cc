// SPDX-License-Identifier: Apache-2.0
//
// Objects of slabs: poisoned unless in use, with notes behind each. Freed ones wait in a queue, so
// that a late use finds them poisoned and not somebody else's.
#include "guest/arch/arch.h"
#include "guest/arch/callers.h"
#include "guest/lib/sanitize.h"
#include "guest/mm/frames.h"
#include "guest/mm/slab.h"
#include "guest/sanitize/notes.h"
#include "guest/sanitize/report.h"
#include "guest/sanitize/shadow.h"

namespace fv::guest::sanitize {
namespace {

constexpr unsigned kMostDelayed = 256;

// A ring: `count` objects from `oldest` on.
struct Delayed {
  FreedObject objects[kMostDelayed];
  unsigned oldest;
  unsigned count;
};
constinit Delayed delayed{};

uint64_t Address(const void* pointer) { return reinterpret_cast<uint64_t>(pointer); }

bool InUse(const void* object) { return *ShadowOf(Address(object)) < kGranule; }

}  // namespace

Site SiteOf(const void* frame, unsigned skip) {
  const auto* task = static_cast<const proto::TaskRecord*>(CurrentStackOwner());
  const Callers<kNotedCallers> callers = CallersOf<kNotedCallers>(frame, skip);
  Site site{.pid = task != nullptr ? task->pid : 0, .callers = {}};
  for (unsigned i = 0; i < kNotedCallers; ++i) {
    site.callers[i] =
        callers.at[i] == 0 ? 0 : static_cast<uint32_t>(callers.at[i] - proto::kKernelBase);
  }
  return site;
}

void NoteFreedFrame(uint64_t pfn) {
  NotesOfFrame(pfn) = {.freed = SiteOf(__builtin_frame_address(0), 2),
                       .before = FrameOf(pfn).state};
}

void OnSlabAdded(void* slab, size_t header_bytes, size_t bytes) {
  const uint64_t start = Address(slab);
  SetPoison(start + header_bytes, kFirstObject - header_bytes, kObjectEnd);
  SetPoison(start + kFirstObject, bytes - kFirstObject, kNeverAllocated);
}

void OnObjectAllocated(void* object, ObjectPayload payload, size_t stride) {
  SetPoison(Address(object), stride, kObjectEnd);
  Unpoison(Address(object), payload.bytes());
  NotesOf(object, stride) = {.allocated = SiteOf(__builtin_frame_address(0), 1), .freed = {}};
}

void OnObjectTrimmed(void* object, size_t used, ObjectPayload payload) {
  if (object != nullptr) {
    SetPoison(Address(object), payload.bytes(), kObjectEnd);
    Unpoison(Address(object), used);
  }
}

FreedObject DelayFree(FreedObject freed, size_t stride) {
  const uint64_t slab = Address(freed.object) & ~(SlabBytes(freed.cache->object_bytes) - 1);
  if ((Address(freed.object) - slab - kFirstObject) % stride != 0) {
    ReportFree(freed.object, FreeError::kNotAnObject, __builtin_frame_address(0));
  }
  if (!InUse(freed.object)) {
    ReportFree(freed.object, FreeError::kNotInUse, __builtin_frame_address(0));
  }
  NotesOf(freed.object, stride).freed = SiteOf(__builtin_frame_address(0), 1);
  SetPoison(Address(freed.object), stride, kFreedObject);
  FreedObject now = {nullptr, nullptr};
  if (delayed.count == kMostDelayed) {
    now = TakeDelayed();
  }
  delayed.objects[(delayed.oldest + delayed.count++) % kMostDelayed] = freed;
  return now;
}

FreedObject TakeDelayed() {
  if (delayed.count == 0) {
    return {nullptr, nullptr};
  }
  const FreedObject now = delayed.objects[delayed.oldest];
  delayed.oldest = (delayed.oldest + 1) % kMostDelayed;
  --delayed.count;
  return now;
}

}  // namespace fv::guest::sanitize
