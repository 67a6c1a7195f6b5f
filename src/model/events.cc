// SPDX-License-Identifier: Apache-2.0
//
// See the header. The arguments of each kind stand in proto/events.h.
#include "src/model/events.h"

#include <initializer_list>

#include "proto/layout.h"

namespace fv::model {

using proto::EventKind;
using proto::EventRecord;

namespace {

// A page-aligned, not empty range of user space.
bool IsRange(uint64_t start, uint64_t end) {
  return start < end && end <= proto::kUserEnd && ((start | end) & (proto::kPageBytes - 1)) == 0;
}

bool IsSpan(uint64_t start, uint64_t bytes) {
  return bytes <= proto::kUserEnd && start <= proto::kUserEnd - bytes;
}

// False if the event's words cannot be what its kind says.
bool FollowMapping(const EventRecord& event, World& world) {
  switch (event.kind) {
    case EventKind::kMap:
      if (IsRange(event.a, event.b)) {
        world.Map(event.e, {event.a, event.b, event.c, event.d, 0});
        return true;
      }
      return false;
    case EventKind::kMapObject:
      if (IsRange(event.b, event.c)) {
        world.SetObject(event.a, event.b, event.c, event.d, event.e);
        return true;
      }
      return false;
    case EventKind::kUnmap:
      if (IsRange(event.a, event.b)) {
        world.Unmap(event.c, event.a, event.b);
        return true;
      }
      return false;
    case EventKind::kProtect:
      if (IsRange(event.a, event.b)) {
        world.SetFlags(event.d, event.a, event.b, event.c);
        return true;
      }
      return false;
    case EventKind::kAdvise:
      if (IsRange(event.b, event.c)) {
        world.SetFlags(event.a, event.b, event.c, event.d);
        return true;
      }
      return false;
    default:
      return true;
  }
}

bool FollowPages(const EventRecord& event, World& world) {
  switch (event.kind) {
    case EventKind::kMove:
      if (IsSpan(event.b, event.d) && IsSpan(event.c, event.d) &&
          ((event.b | event.c | event.d) & (proto::kPageBytes - 1)) == 0) {
        world.Move(event.a, event.b, event.c, event.d);
        return true;
      }
      return false;
    case EventKind::kOwn:
      if (IsRange(event.b, event.c)) {
        world.Own(event.a, event.b, event.c);
        return true;
      }
      return false;
    case EventKind::kDiscard:
      if (IsRange(event.b, event.c)) {
        world.Discard(event.a, event.b, event.c);
        return true;
      }
      return false;
    case EventKind::kUserWrite:
      if (event.c != 0 && IsSpan(event.b, event.c)) {
        world.UserWrite(event.a, event.b, event.c);
        return true;
      }
      return false;
    case EventKind::kObjectWrite:
      if (event.c != 0) {
        world.ObjectWrite(event.a, event.b, event.c);
      }
      return true;
    default:
      return true;
  }
}

}  // namespace

uint64_t RequiredEvents() {
  uint64_t mask = 0;
  for (const EventKind kind :
       {EventKind::kMap, EventKind::kMapObject, EventKind::kUnmap, EventKind::kProtect,
        EventKind::kAdvise, EventKind::kMove, EventKind::kOwn, EventKind::kDiscard,
        EventKind::kUserWrite, EventKind::kObjectWrite, EventKind::kObjectCut, EventKind::kMmCopy,
        EventKind::kMmEnd, EventKind::kSwitch, EventKind::kExec}) {
    mask |= proto::EventBit(kind);
  }
  return mask;
}

void Follow(const EventRecord& event, World& world) {
  bool sensible = true;
  switch (event.kind) {
    case EventKind::kMmCopy:
      world.Copy(event.a, event.b);
      break;
    case EventKind::kMmEnd:
      world.End(event.a);
      break;
    case EventKind::kObjectCut:
      world.ObjectCut(event.a, event.b);
      break;
    case EventKind::kSwitch:
      world.Run(event.c);
      break;
    case EventKind::kExec:
      world.Run(event.d);
      break;
    default:
      sensible = FollowMapping(event, world) && FollowPages(event, world);
      break;
  }
  if (!sensible) {
    world.Contradict("event " + std::to_string(event.sequence) + " names a range that cannot be");
  }
}

}  // namespace fv::model
