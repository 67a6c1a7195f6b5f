// SPDX-License-Identifier: Apache-2.0
//
// What a guest kernel holds at a moment: frames by state, objects of every slab cache, tasks. Two
// moments between which everything was taken back are equal to the frame and to the object, if the
// kernel gave back what it keeps unused (proto/fail.h: kPrMark). Read at a safepoint; nothing that
// the guest wrote is believed further than a comparison of numbers needs.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "src/inspect/channel_view.h"
#include "src/inspect/memory_reader.h"
#include "src/oracle/account_rules.h"

namespace fv::oracle {

struct Holdings {
  StateCounts frames{};
  uint64_t free_frames = 0;  // by the kernel's own count
  uint64_t tasks = 0;
  std::map<std::string, uint64_t> objects;  // active ones, by cache
};

absl::StatusOr<Holdings> ReadHoldings(const inspect::MemoryReader& memory,
                                      const inspect::ChannelView& channel);

// "kernel frames 12 -> 13, vma objects 8 -> 9"; empty if the two are equal. A cache that one of
// them lacks has no objects there. How many slabs the same objects fill depends on where they lie:
// frames of slabs and free frames are compared as a sum.
std::string Difference(const Holdings& before, const Holdings& after);

}  // namespace fv::oracle
