// SPDX-License-Identifier: Apache-2.0
//
// What holds for a configuration whatever executes the guest.
#include "vmm/machine_config.h"

#include <sys/random.h>

#include <cerrno>

#include "proto/clock.h"
#include "vmm/error.h"

namespace fv::vmm {
namespace {

bool IsDeterministic(const MachineConfig& config) {
  return (config.boot_flags & proto::kBootDeterministic) != 0;
}

}  // namespace

const MachineConfig& CheckedConfig(const MachineConfig& config) {
  if (config.tick_ns != 0 && config.tick_ns < kShortestTickNs) {
    throw VmmError(VmmErrorKind::kBadConfig, "a tick of " + std::to_string(config.tick_ns) +
                                                 " ns: the shortest is " +
                                                 std::to_string(kShortestTickNs) + " ns");
  }
  if (config.argv.empty() && config.exec_path.empty()) {
    throw VmmError(VmmErrorKind::kBadConfig, "no program to start");
  }
  return config;
}

uint64_t SeedOf(const MachineConfig& config) {
  if (config.random_seed != 0) return config.random_seed;
  if (IsDeterministic(config)) return proto::kVirtualRandomSeed;
  uint64_t seed = 0;
  if (::getrandom(&seed, sizeof(seed), 0) != sizeof(seed)) ThrowErrno("getrandom", errno);
  return seed;
}

BootTime BootTimeOf(const MachineConfig& config, const BootTime& real) {
  BootTime time = IsDeterministic(config)
                      ? BootTime{proto::kVirtualTscKhz, 0, proto::kVirtualBootWallNs}
                      : real;
  if (config.boot_wall_ns != 0) time.boot_wall_ns = config.boot_wall_ns;
  return time;
}

}  // namespace fv::vmm
