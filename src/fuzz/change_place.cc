// SPDX-License-Identifier: Apache-2.0
//
// See change_place.h.
#include "src/fuzz/change_place.h"

#include <algorithm>
#include <initializer_list>
#include <string_view>

#include "absl/strings/str_cat.h"
#include "proto/layout.h"
#include "src/inspect/elf_file.h"
#include "src/inspect/kernel_mutants.h"
#include "src/inspect/render.h"
#include "src/trace/names.h"

namespace fv::fuzz {
namespace {

using proto::EventBit;
using proto::EventKind;

constexpr uint64_t kMostSites = 1 << 16;
constexpr size_t kMostEvents = 1 << 16;

constexpr uint64_t Bits(std::initializer_list<EventKind> kinds) {
  uint64_t bits = 0;
  for (const EventKind kind : kinds) bits |= EventBit(kind);
  return bits;
}

// What a step is named by: the last event of the first of these classes that it has any of. An
// operation consists of smaller ones - mmap unmaps, a fault takes a page - and names itself last.
constexpr uint64_t kClasses[] = {
    Bits({EventKind::kNewTask, EventKind::kExec, EventKind::kExit, EventKind::kReap,
          EventKind::kUid, EventKind::kGid, EventKind::kSession}),
    // Mappings and pages are taken away: a new mapping takes the place of others.
    Bits({EventKind::kMove, EventKind::kUnmap, EventKind::kDiscard, EventKind::kProtect,
          EventKind::kAdvise, EventKind::kObjectCut, EventKind::kMmEnd}),
    Bits({EventKind::kCowBreak, EventKind::kCowReuse, EventKind::kMap, EventKind::kMapObject,
          EventKind::kMmCopy}),
    Bits({EventKind::kOwn}),
    Bits({EventKind::kFault, EventKind::kForkEnd, EventKind::kSignal, EventKind::kHandler}),
    Bits({EventKind::kUserWrite, EventKind::kObjectWrite}),
};

using Event = proto::EventRecord;

const Event* LastOf(const std::vector<Event>& events, uint64_t kinds) {
  const auto found = std::find_if(events.rbegin(), events.rend(), [kinds](const Event& event) {
    return event.kind < EventKind::kCount && (EventBit(event.kind) & kinds) != 0;
  });
  return found == events.rend() ? nullptr : &*found;
}

std::string LineOf(const coverage::LineTable& table, uint64_t address) {
  const auto after = std::upper_bound(
      table.rows.begin(), table.rows.end(), address,
      [](uint64_t wanted, const coverage::LineRow& row) { return wanted < row.begin; });
  if (after == table.rows.begin() || (after - 1)->end <= address) return "";
  return absl::StrCat(table.files[(after - 1)->file], ":", (after - 1)->line);
}

}  // namespace

EventSites::EventSites(std::span<const uint8_t> kernel) {
  const auto section =
      inspect::FindSection(kernel, inspect::ReadSections(kernel), inspect::kEventSitesSection);
  if (!section || section->sh_addr < proto::kKernelBase) return;
  gpa_ = proto::PhysOfDirectMap(section->sh_addr);
  count_ = std::min(section->sh_size / sizeof(uint64_t), kMostSites);
}

uint64_t EventSites::Of(const vmm::GuestMemory& memory, uint64_t sequence) const {
  if (count_ == 0) return 0;
  return memory.Load<uint64_t>(gpa_ + sequence % count_ * sizeof(uint64_t)).value_or(0);
}

uint64_t LastStep::Events() {
  uint64_t events = EventBit(EventKind::kSyscallEnter);
  for (const uint64_t kinds : kClasses) events |= kinds;
  return events;
}

void LastStep::OnEvent(const Event& event) {
  if (end_) {
    events_.clear();
    end_.reset();
  }
  if (events_.size() < kMostEvents) events_.push_back(event);
}

vmm::Next LastStep::OnSafepoint(proto::SafepointKind kind) {
  if (end_) events_.clear();
  end_ = kind;
  return vmm::Next::kContinue;
}

ChangePlace PlaceOfChange(const LastStep& step, const EventSites& sites,
                          const vmm::GuestMemory& memory, const inspect::KernelSymbols& symbols,
                          const coverage::LineTable* lines) {
  // What is left when all are gone may be anybody's.
  if (step.end() == proto::SafepointKind::kFinal) return {"at the end", ""};
  const Event* event = nullptr;
  for (const uint64_t kinds : kClasses) {
    event = LastOf(step.events(), kinds);
    if (event != nullptr) break;
  }
  const Event* call = LastOf(step.events(), EventBit(EventKind::kSyscallEnter));
  const std::string called = call == nullptr ? "" : trace::SyscallName(call->a);
  if (event == nullptr) return {called.empty() ? "" : "in " + called, ""};
  ChangePlace place;
  // A return address may stand behind the end of a function that does not return.
  const uint64_t address = sites.Of(memory, event->sequence) - 1;
  std::string function = symbols.Function(address);
  if (function.empty()) function = inspect::EventKindText(event->kind);
  place.name = "in " + function;
  place.detail = place.name;
  const std::string line = lines == nullptr ? "" : LineOf(*lines, address);
  if (!line.empty()) absl::StrAppend(&place.detail, " (", line, ")");
  if (!called.empty()) absl::StrAppend(&place.detail, " during ", called);
  absl::StrAppend(&place.detail, ": ", inspect::EventText(*event), "\n");
  return place;
}

}  // namespace fv::fuzz
