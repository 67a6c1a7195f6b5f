// SPDX-License-Identifier: Apache-2.0
//
// The outside view's own page-table walker (never the guest's code: an oracle that walked with it
// would agree with its bugs). Copies every page table of the user half of all address spaces into
// a snapshot, each once, however many parents share it.
#pragma once

#include <cstdint>
#include <vector>

#include "src/inspect/memory_reader.h"
#include "src/inspect/snapshot.h"

namespace fv::inspect {

// The user half of the PML4: slots below the kernel's.
inline constexpr unsigned kUserSlots = proto::kKernelPml4Slot;

inline bool Present(proto::Pte pte) { return (pte & proto::kPtePresent) != 0; }
inline uint64_t PfnOf(proto::Pte pte) { return (pte & proto::kPteFrameMask) >> proto::kPageShift; }
inline Rights Below(Rights rights, proto::Pte entry) {
  return {rights.writable && (entry & proto::kPteWritable) != 0,
          rights.user && (entry & proto::kPteUser) != 0,
          rights.executable && (entry & proto::kPteNoExecute) == 0};
}

// True if a process root opens anything in the kernel's slots to user code. Bounded: at most
// `budget` entries are read, after which the answer is true.
bool WindowOpenToUser(const MemoryReader& memory, uint64_t root_gpa, uint64_t budget);

// Fills snapshot.tables, .entries and each mm's leaves, table_count and window_user; needs
// snapshot.mms. `table_of` is scratch: indexed by frame, -1 = not a table.
void ReadTables(const MemoryReader& memory, Snapshot& snapshot, std::vector<int32_t>& table_of);

}  // namespace fv::inspect
