// SPDX-License-Identifier: Apache-2.0
//
// What holds for a configuration whatever executes the guest.
#include "vmm/machine_config.h"

#include <sys/random.h>

#include <cerrno>

#include "vmm/error.h"

namespace fv::vmm {
namespace {

constexpr uint64_t kShortestTickNs = 50'000;

}  // namespace

const MachineConfig& CheckedConfig(const MachineConfig& config) {
  if (config.tick_ns != 0 && config.tick_ns < kShortestTickNs) {
    throw VmmError(VmmErrorKind::kBadConfig, "a tick shorter than 50 us");
  }
  if (config.argv.empty() && config.exec_path.empty()) {
    throw VmmError(VmmErrorKind::kBadConfig, "no program to start");
  }
  return config;
}

uint64_t SeedOf(const MachineConfig& config) {
  if (config.random_seed != 0) return config.random_seed;
  uint64_t seed = 0;
  if (::getrandom(&seed, sizeof(seed), 0) != sizeof(seed)) ThrowErrno("getrandom", errno);
  return seed;
}

}  // namespace fv::vmm
