// SPDX-License-Identifier: Apache-2.0
//
// The measurement behind `forkvisor bench`: one static program in the guest and natively, the two
// interleaved in rounds on one CPU, for each size. The guest's kernel tells its phases by events;
// the oracle is off while times are taken, and on for a row of its own.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "src/bench/guest_side.h"
#include "src/bench/results.h"
#include "src/session/guest.h"

namespace fv::bench {

enum class Row : uint8_t { kMeasure, kLeaveOut };

struct BenchOptions {
  std::vector<uint64_t> sizes;  // bytes, multiples of the page size
  Touch touch = Touch::kWrite;
  uint64_t repetitions = 0;  // of each case; 0: by size, so that all takes two minutes at most
  Row native = Row::kMeasure;
  Row checked = Row::kMeasure;       // every step checked by the oracle
  std::span<const uint8_t> program;  // the benchmark's ELF file
  session::GuestOptions guest;       // kernel, ring, strategy, device; the rest is set here
  std::function<void(std::string_view)> progress;  // a line for people; may be null
  std::function<bool()> stop;                      // asked between runs: end here? May be null
};

// How often each case is repeated for a size when the user does not say.
uint64_t DefaultRepetitions(uint64_t bytes);

// Throws vmm::VmmError. A guest that fails, or output that makes no sense, is an error; Cancelled
// if `stop` said so.
absl::StatusOr<Results> RunBench(const BenchOptions& options);

}  // namespace fv::bench
