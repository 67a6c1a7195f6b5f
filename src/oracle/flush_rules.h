// SPDX-License-Identifier: Apache-2.0
//
// I7: what the page tables no longer allow, the CPU must not remember. For every entry that lost a
// permission or its frame since the last safepoint there is a flush of its address space that
// covers its address, that came after the change, and between which and the change no task of that
// address space was switched to. Changes are what the tables say; when they were made is what the
// events say. Premise: one kernel operation at most since the last safepoint.
#pragma once

#include <span>

#include "proto/events.h"
#include "src/oracle/finding.h"
#include "src/oracle/mm_cache.h"

namespace fv::oracle {

// `events` are those since the previous safepoint, oldest first.
void CheckFlushes(const MmCache& mms, std::span<const proto::EventRecord> events,
                  Findings& findings);

// Kinds that CheckFlushes needs.
uint64_t FlushEvents();

}  // namespace fv::oracle
