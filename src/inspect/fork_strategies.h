// SPDX-License-Identifier: Apache-2.0
//
// Which fork strategies a guest kernel has, read out of its ELF file (proto/fork_strategy.h). The
// file may be the user's.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "proto/fork_strategy.h"
#include "src/inspect/memory_reader.h"

namespace fv::inspect {

struct ForkStrategy {
  std::string name;
  proto::ForkMemory memory;
};

// In the order of the kernel's array: MmRecord::fork_strategy is an index. Empty for a file that is
// no such kernel.
std::vector<ForkStrategy> ReadForkStrategies(std::span<const uint8_t> kernel);

// Whether a guest has these strategies, byte for byte, where this kernel has them: then it runs
// this kernel, as far as strategies go. `memory` is anybody's.
bool HasForkStrategiesOf(const MemoryReader& memory, std::span<const uint8_t> kernel);

// InvalidArgument with the names that there are if `kernel` has none called `name`. A file without
// any strategy is not judged: whoever loads it says what is wrong with it.
absl::Status CheckForkStrategy(std::span<const uint8_t> kernel, const std::string& name);

// What forks by the strategy called `name` need of memory; kShares if there is none.
proto::ForkMemory MemoryOfFork(std::span<const uint8_t> kernel, const std::string& name);

}  // namespace fv::inspect
