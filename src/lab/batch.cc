// SPDX-License-Identifier: Apache-2.0
#include "src/lab/batch.h"

#include "absl/strings/str_cat.h"

namespace fv::lab {
namespace {

using Json = nlohmann::json;

// A fork is a row of numbers in this order: age, the members below, the cycles of each phase.
constexpr uint64_t bench::ForkRecord::*kRecordFields[] = {
    &bench::ForkRecord::vmas, &bench::ForkRecord::ptes, &bench::ForkRecord::tables,
    &bench::ForkRecord::frames};
constexpr uint64_t ForkCost::*kCostFields[] = {
    &ForkCost::flushes,       &ForkCost::copied_in_fork, &ForkCost::faults_parent,
    &ForkCost::faults_child,  &ForkCost::copied_parent,  &ForkCost::copied_child,
    &ForkCost::flushes_after,
};
constexpr size_t kForkNumbers =
    1 + std::size(kRecordFields) + std::size(kCostFields) + bench::kPhases;

Json ForkRow(const ForkCost& fork) {
  Json row = Json::array({static_cast<uint64_t>(fork.age)});
  for (const auto field : kRecordFields) row.push_back(fork.record.*field);
  for (const auto field : kCostFields) row.push_back(fork.*field);
  for (uint64_t cycles : fork.record.cycles) row.push_back(cycles);
  return row;
}

// Throws Json::exception.
ForkCost ForkFromRow(const std::vector<uint64_t>& row) {
  ForkCost fork;
  size_t at = 0;
  fork.age = row.at(at++) == 0 ? Age::kFirst : Age::kAgain;
  for (const auto field : kRecordFields) fork.record.*field = row.at(at++);
  for (const auto field : kCostFields) fork.*field = row.at(at++);
  for (uint64_t& cycles : fork.record.cycles) cycles = row.at(at++);
  return fork;
}

Batch Read(const Json& json) {
  Batch batch;
  json.at("cell").get_to(batch.cell);
  batch.kind = json.at("kind") == "counts" ? Batch::Kind::kCounts : Batch::Kind::kTimes;
  json.at("cycles").get_to(batch.cycles);
  json.at("tsc_khz").get_to(batch.tsc_khz);
  json.at("kernel_ring").get_to(batch.kernel_ring);
  json.at("seconds").get_to(batch.seconds);
  json.at("calibration").get_to(batch.calibration);
  json.at("huge_bytes").get_to(batch.huge_bytes);
  json.at("series").get_to(batch.series);
  for (const Json& row : json.at("forks")) {
    batch.forks.push_back(ForkFromRow(row.get<std::vector<uint64_t>>()));
  }
  if (const auto kvm = json.find("kvm"); kvm != json.end()) {
    batch.kvm = KvmPerFork{kvm->at(0), kvm->at(1), kvm->at(2)};
  }
  return batch;
}

bool Sensible(const Batch& batch, const Json& json) {
  for (const Json& row : json.at("forks")) {
    if (row.size() != kForkNumbers) return false;
  }
  return batch.tsc_khz > 0 && batch.seconds >= 0;
}

}  // namespace

Json ToJson(const Batch& batch) {
  Json forks = Json::array();
  for (const ForkCost& fork : batch.forks) forks.push_back(ForkRow(fork));
  Json json = {{"cell", batch.cell},
               {"kind", batch.kind == Batch::Kind::kCounts ? "counts" : "times"},
               {"cycles", batch.cycles},
               {"tsc_khz", batch.tsc_khz},
               {"kernel_ring", batch.kernel_ring},
               {"seconds", batch.seconds},
               {"calibration", batch.calibration},
               {"huge_bytes", batch.huge_bytes},
               {"series", batch.series},
               {"forks", forks}};
  if (batch.kvm) json["kvm"] = {batch.kvm->exits, batch.kvm->emulated, batch.kvm->faults};
  return json;
}

absl::StatusOr<Batch> BatchFromJson(const Json& json) {
  try {
    Batch batch = Read(json);
    if (Sensible(batch, json)) return batch;
    return absl::DataLossError("a batch has impossible numbers");
  } catch (const std::exception& error) {
    return absl::DataLossError(absl::StrCat("no batch: ", error.what()));
  }
}

}  // namespace fv::lab
