// SPDX-License-Identifier: Apache-2.0
//
// See fork_registry.h. The linker names the ends of a section whose name is a C identifier.
#include "guest/mm/fork_registry.h"

#include "guest/lib/string.h"

extern "C" {
extern const fv::guest::RegisteredStrategy __start_fv_fork_strategies[];
extern const fv::guest::RegisteredStrategy __stop_fv_fork_strategies[];
}

namespace fv::guest {

std::span<const RegisteredStrategy> ForkStrategies() {
  return {__start_fv_fork_strategies, __stop_fv_fork_strategies};
}

Result<uint32_t> FindForkStrategy(const char* name) {
  uint32_t place = 0;
  for (const RegisteredStrategy& registered : ForkStrategies()) {
    if (strcmp(registered.name, name) == 0) {
      return place;
    }
    ++place;
  }
  return Error(EINVAL);
}

}  // namespace fv::guest
