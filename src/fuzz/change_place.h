// SPDX-License-Identifier: Apache-2.0
//
// Which function of the guest kernel made the change that led to a safepoint at which the oracle
// found something: what tells one bug from another that breaks the same rule. A kernel for tests
// notes where each event was emitted (guest/introspect/event_sites.h); of another kernel the kind
// of the event is all there is to tell. The guest may be hostile: what is no address in the kernel
// names nothing.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "src/coverage/line_table.h"
#include "src/fuzz/run.h"
#include "src/inspect/kernel_symbols.h"
#include "src/session/session.h"
#include "vmm/guest_memory.h"

namespace fv::fuzz {

// The addresses behind the calls that emitted the last events.
class EventSites {
 public:
  // Knows none if `kernel` does not note them.
  explicit EventSites(std::span<const uint8_t> kernel);
  // Of the event with this number; 0 if it is not known.
  uint64_t Of(const vmm::GuestMemory& memory, uint64_t sequence) const;

 private:
  uint64_t gpa_ = 0;
  uint64_t count_ = 0;
};

// The events since the safepoint before the last.
class LastStep final : public RunObserver {
 public:
  // What the kernel has to record for it.
  static uint64_t Events();

  void OnEvent(const proto::EventRecord& event) override;
  vmm::Next OnSafepoint(proto::SafepointKind kind) override;

  const std::vector<proto::EventRecord>& events() const { return events_; }
  // At the last safepoint, if one has ended the step.
  std::optional<proto::SafepointKind> end() const { return end_; }

 private:
  std::vector<proto::EventRecord> events_;
  std::optional<proto::SafepointKind> end_;
};

struct ChangePlace {
  std::string name;    // "in Mm::Unmap", "at the end"; empty: nothing is known
  std::string detail;  // a line for people, or empty
};

// `lines` may be null. `memory` is the guest's, which stands where the step ended.
ChangePlace PlaceOfChange(const LastStep& step, const EventSites& sites,
                          const vmm::GuestMemory& memory, const inspect::KernelSymbols& symbols,
                          const coverage::LineTable* lines);

}  // namespace fv::fuzz
