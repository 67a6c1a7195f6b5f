// SPDX-License-Identifier: Apache-2.0
//
// What one run of the program brought for one cell, as it is kept on disk: raw samples of each
// series, and the guest kernel's account of the forks. Results are made of batches and nothing
// else.
#pragma once

#include <cstdint>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "src/lab/costs.h"

namespace fv::lab {

struct Batch {
  std::string cell;  // its name
  // Times are taken without the events of kCountingEvents; a counting batch has no times.
  enum class Kind : uint8_t { kTimes, kCounts } kind = Kind::kTimes;
  uint64_t cycles = 0;  // of the program
  uint64_t tsc_khz = 0;
  uint64_t kernel_ring = 0;                             // of the guest
  double seconds = 0;                                   // wall time of the run
  uint64_t calibration = 0;                             // cycles of a fixed loop just before
  uint64_t huge_bytes = 0;                              // memory that was in huge pages
  std::map<std::string, std::vector<uint64_t>> series;  // cycles of the time-stamp counter
  std::vector<ForkCost> forks;
  std::optional<KvmPerFork> kvm;  // of a counting batch, if KVM counts
};

nlohmann::json ToJson(const Batch& batch);
// DataLoss if it is no batch.
absl::StatusOr<Batch> BatchFromJson(const nlohmann::json& json);

}  // namespace fv::lab
