// SPDX-License-Identifier: Apache-2.0
//
// The fork strategies that are linked into this kernel. Each registers itself in its own file:
//
//   constexpr ClassicFork kClassicFork{};
//   FV_FORK_STRATEGY constexpr RegisteredStrategy kRegistered = {"classic", kShares,
//   &kClassicFork};
//
// and needs nothing but to be linked (BUILD: fork_strategies). The linker puts the registrations
// side by side; the host reads them out of the kernel's ELF file (proto/fork_strategy.h). Constant
// from the link on: no lock.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "guest/lib/result.h"
#include "guest/mm/fork.h"
#include "proto/fork_strategy.h"

namespace fv::guest {

// A proto::ForkStrategyRecord, its address spelled as a pointer.
struct RegisteredStrategy {
  char name[proto::kForkStrategyNameBytes];
  proto::ForkMemory memory;
  const ForkStrategy* strategy;
};
static_assert(sizeof(RegisteredStrategy) == sizeof(proto::ForkStrategyRecord) &&
              offsetof(RegisteredStrategy, memory) == offsetof(proto::ForkStrategyRecord, memory) &&
              offsetof(RegisteredStrategy, strategy) ==
                  offsetof(proto::ForkStrategyRecord, strategy));

// The section is proto::kForkStrategySection; kept though nothing refers to it.
#define FV_FORK_STRATEGY [[gnu::section("fv_fork_strategies"), gnu::used, gnu::retain]]

// All of them, in the linker's order.
std::span<const RegisteredStrategy> ForkStrategies();

// The place in ForkStrategies() of the strategy called `name`. Errors: EINVAL.
Result<uint32_t> FindForkStrategy(const char* name);

}  // namespace fv::guest
