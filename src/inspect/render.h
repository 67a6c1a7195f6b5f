// SPDX-License-Identifier: Apache-2.0
//
// Text for people: page-table entries, frames, VMAs, tasks, events. Pure functions of records that
// were copied out; names that come from the guest are made printable.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "proto/events.h"
#include "proto/pte.h"
#include "proto/records.h"

namespace fv::inspect {

// "0x80000000012ab227 PW-C--UX-- frame 0x12ab": P present, W writable, C copy-on-write, Z zero
// frame, S shared table, U user, X executable, A accessed, D dirty; "-" where a bit is off.
std::string PteText(proto::Pte pte);
// "frame 0x12ab anon refs 2 pins 0".
std::string FrameText(uint64_t pfn, const proto::FrameRecord& frame);
const char* FrameStateName(proto::FrameState state);
const char* TaskStateName(proto::TaskState state);
// "rwxp" as in /proc/PID/maps, followed by names of further flags.
std::string VmaFlagsText(uint64_t flags);
// "0000000000400000-0000000000401000 r-xp".
std::string VmaText(const proto::VmaRecord& vma);
// Name of a task, with everything unprintable replaced by '?'.
std::string CommText(const proto::TaskRecord& task);
// "cow-break", {"address", "old_pfn", ...}; "" for an argument that it has not.
struct EventNames {
  const char* name;
  const char* arguments[5];
};
// By proto::EventKind.
std::span<const EventNames> NamesOfEvents();
// "cow-break"; "unknown".
const char* EventKindText(proto::EventKind kind);
// The other way round; nullopt for what no event is called.
std::optional<proto::EventKind> EventKindNamed(std::string_view name);
// "page-tables"; "unknown".
const char* ForkPhaseText(proto::ForkPhase phase);
// One line: "#12 pid 3 cow-break address=0x7fff1000 old_pfn=0x12 new_pfn=0x34".
std::string EventText(const proto::EventRecord& event);

}  // namespace fv::inspect
