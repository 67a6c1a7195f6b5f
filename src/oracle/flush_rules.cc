// SPDX-License-Identifier: Apache-2.0
//
// The events are read backwards: what was flushed later is then known when a change is met. A
// change that removes pages is the one that had to be flushed; one that gives pages other rights or
// other frames may have found nothing there, if an earlier one had removed it (mmap over a mapping,
// with MAP_POPULATE), and is judged when that is known.
#include "src/oracle/flush_rules.h"

#include <algorithm>
#include <initializer_list>
#include <optional>
#include <string>

#include "src/inspect/list_walk.h"
#include "src/inspect/render.h"
#include "src/oracle/address_ranges.h"

namespace fv::oracle {

using proto::EventKind;
using proto::EventRecord;

namespace {

struct Span {
  uint64_t start;
  uint64_t end;
};

enum class Role : uint8_t {
  kNone,
  kFlush,
  kRemoval,  // of pages
  kChange,   // of rights or frames
  kRun,      // user code of the address space may run from here on
};

struct Meaning {
  Role role = Role::kNone;
  Span span{0, proto::kUserEnd};
};

Meaning MeaningOf(const EventRecord& event, proto::GuestPtr mm) {
  switch (event.kind) {
    case EventKind::kFlush:
      return event.a == mm ? Meaning{Role::kFlush, {event.b, event.c}} : Meaning{};
    case EventKind::kUnmap:
      return event.c == mm ? Meaning{Role::kRemoval, {event.a, event.b}} : Meaning{};
    case EventKind::kDiscard:
      return event.a == mm ? Meaning{Role::kRemoval, {event.b, event.c}} : Meaning{};
    case EventKind::kMove:
      return event.a == mm ? Meaning{Role::kRemoval, {event.b, event.b + event.d}} : Meaning{};
    case EventKind::kOwn:
      return event.a == mm ? Meaning{Role::kChange, {event.b, event.c}} : Meaning{};
    case EventKind::kProtect:
      return event.d == mm ? Meaning{Role::kChange, {event.a, event.b}} : Meaning{};
    case EventKind::kMmCopy:
      return event.a == mm ? Meaning{Role::kChange} : Meaning{};
    case EventKind::kSwitch:
      return event.c == mm ? Meaning{Role::kRun} : Meaning{};
    default:
      return {};
  }
}

// The usual case, without any set: one flush that covers everything, nothing after it, and nobody
// of the address space ran before it.
bool OneFlushCoversAll(const MmState& state, std::span<const EventRecord> events) {
  uint64_t low = proto::kUserEnd;
  uint64_t high = 0;
  for (const Reduction& reduction : state.reductions) {
    low = std::min(low, reduction.start);
    high = std::max(high, reduction.end);
  }
  bool covered = false;
  for (size_t i = events.size(); i-- > 0;) {
    const Meaning meaning = MeaningOf(events[i], state.mm.address);
    if (meaning.role == Role::kRun) {
      return false;
    }
    if (!covered && meaning.role != Role::kNone) {
      covered =
          meaning.role == Role::kFlush && meaning.span.start <= low && high <= meaning.span.end;
      if (!covered) {
        return false;
      }
    }
  }
  return covered;
}

// The addresses that were left to stale translations.
struct Stale {
  AddressRanges early;  // flushed, but before the change
  AddressRanges never;
};

Stale FindStale(const MmState& state, std::span<const EventRecord> events) {
  Stale stale;
  AddressRanges open;  // lost something; the change that took it was not met yet
  for (const Reduction& reduction : state.reductions) {
    open.Add(reduction.start, reduction.end);
  }
  AddressRanges flushed;    // after the event at hand
  AddressRanges ever;       // flushed at all
  AddressRanges suspected;  // changed and not flushed after it, unless there was nothing to change
  for (size_t i = events.size(); i-- > 0;) {
    const Meaning meaning = MeaningOf(events[i], state.mm.address);
    const auto [start, end] = meaning.span;
    AddressRanges part;
    switch (meaning.role) {
      case Role::kNone:
        break;
      case Role::kFlush:
        flushed.Add(start, end);
        ever.Add(start, end);
        break;
      case Role::kRun:
        flushed.Clear();
        break;
      case Role::kChange:
        part.AddPartsOf(open, start, end);
        part.Subtract(flushed);
        suspected.AddPartsOf(part, start, end);
        open.Subtract(part);
        break;
      case Role::kRemoval:
        part.AddPartsOf(open, start, end);
        part.AddPartsOf(suspected, start, end);
        open.Remove(start, end);
        suspected.Remove(start, end);
        part.Subtract(flushed);
        stale.early.AddPartsOf(part, start, end);
        break;
    }
  }
  stale.early.AddPartsOf(suspected, 0, proto::kUserEnd);
  stale.never.AddPartsOf(open, 0, proto::kUserEnd);
  stale.never.AddPartsOf(stale.early, 0, proto::kUserEnd);
  stale.never.Subtract(ever);
  stale.early.Subtract(stale.never);
  return stale;
}

void Accuse(const MmState& state, uint64_t address, const char* what, Findings& findings) {
  const auto at = std::find_if(state.reductions.begin(), state.reductions.end(),
                               [address](const Reduction& reduction) {
                                 return reduction.start <= address && address < reduction.end;
                               });
  Finding& finding = findings.Add(
      Rule::kNoFlush, "an entry lost permissions (it was " + inspect::PteText(at->before) + "), " +
                          what + "; flush_generation was " + std::to_string(state.flush_before) +
                          " and is " + std::to_string(state.mm.record.flush_generation));
  finding.mm = state.mm.address;
  finding.address = address;
  finding.pte = at->after;
}

void CheckGeneration(const MmState& state, std::span<const EventRecord> events,
                     Findings& findings) {
  for (size_t i = events.size(); i-- > 0;) {
    if (MeaningOf(events[i], state.mm.address).role != Role::kFlush) {
      continue;
    }
    if (events[i].d != state.mm.record.flush_generation) {
      findings
          .Add(Rule::kFlushGeneration,
               "flush_generation is " + std::to_string(state.mm.record.flush_generation) +
                   ", the last flush was number " + std::to_string(events[i].d))
          .mm = state.mm.address;
    }
    return;
  }
}

}  // namespace

uint64_t FlushEvents() {
  uint64_t mask = 0;
  for (const EventKind kind :
       {EventKind::kFlush, EventKind::kUnmap, EventKind::kDiscard, EventKind::kMove,
        EventKind::kOwn, EventKind::kProtect, EventKind::kMmCopy, EventKind::kSwitch}) {
    mask |= proto::EventBit(kind);
  }
  return mask;
}

void CheckFlushes(const MmCache& mms, std::span<const EventRecord> events, Findings& findings) {
  for (const auto& state : mms.slots()) {
    if (state == nullptr || state->fresh || state->mm.record.users == 0) {
      continue;
    }
    if (state->mm.record.flush_generation != state->flush_before) {
      CheckGeneration(*state, events, findings);
    }
    if (state->tables_replaced && state->mm.record.flush_generation == state->flush_before) {
      findings
          .Add(Rule::kNoFlush,
               "a page table went or was replaced, and nothing of the address space was flushed: "
               "the CPU may remember the way through it")
          .mm = state->mm.address;
    }
    if (state->reductions.empty() || OneFlushCoversAll(*state, events)) {
      continue;
    }
    const Stale stale = FindStale(*state, events);
    if (!stale.never.empty()) {
      Accuse(*state, stale.never.first(), "and no flush covers its address", findings);
    }
    if (!stale.early.empty()) {
      Accuse(*state, stale.early.first(), "and the flush that covers its address came too early",
             findings);
    }
  }
}

}  // namespace fv::oracle
