// SPDX-License-Identifier: Apache-2.0
//
// One run of the benchmark program in a guest.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "src/bench/fork_phases.h"
#include "src/bench/samples.h"
#include "src/oracle/checker.h"
#include "src/session/guest.h"

namespace fv::bench {

enum class Touch : uint8_t { kWrite, kRead, kNone };
inline constexpr Touch kTouches[] = {Touch::kWrite, Touch::kRead, Touch::kNone};
const char* TouchName(Touch touch);
std::optional<Touch> TouchNamed(std::string_view name);

// Arguments of guest/user/bench/fork_bench.c; `modes` is a list, its own names.
std::vector<std::string> ProgramArguments(uint64_t bytes, Touch touch, uint64_t repetitions,
                                          const std::string& modes);

// Guest memory for a process that maps so much.
uint64_t GuestRamFor(uint64_t bytes, proto::ForkMemory memory);

struct GuestSide {
  Samples samples;
  // Of the forks of the mode "fork", which has to come first; empty if their events do not fit.
  std::vector<ForkRecord> forks;
  uint64_t tsc_khz = 0;
  uint32_t kernel_ring = 0;
};

// What a guest's program printed, and what the guest was told.
struct GuestOutput {
  std::string text;
  uint64_t tsc_khz = 0;
  uint32_t kernel_ring = 0;
  vmm::KvmCounts kvm;  // over the whole run
};

// Runs `options` (program, arguments, memory and events set) to its end, with empty standard input
// and these observers. An error if the guest or the program fails. Throws vmm::VmmError.
absl::StatusOr<GuestOutput> RunGuest(session::GuestOptions options,
                                     std::vector<session::Observer*> observers,
                                     oracle::CheckMode check = oracle::CheckMode::kOff);

// Runs `options` (program, arguments and memory set) to its end, with empty standard input and the
// oracle as asked. An error if the guest, the program or an invariant fails, or the output makes
// no sense. Throws vmm::VmmError.
absl::StatusOr<GuestSide> RunGuestSide(session::GuestOptions options, oracle::CheckMode check);

}  // namespace fv::bench
