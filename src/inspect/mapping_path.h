// SPDX-License-Identifier: Apache-2.0
//
// The path of the file that a mapping shows, as /proc/PID/maps in the guest has it.
#pragma once

#include <string>

#include "proto/mapping_names.h"
#include "src/inspect/memory_reader.h"

namespace fv::inspect {

// `vma`: the address of a VmaRecord. Paths begin at the guest's root and are at most kMostPathBytes
// long. "": memory without a file or without a name, or names that cannot be followed.
std::string MappingPath(const MemoryReader& memory, proto::GuestPtr vma);
inline constexpr size_t kMostPathBytes = 1024;

}  // namespace fv::inspect
