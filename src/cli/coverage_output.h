// SPDX-License-Identifier: Apache-2.0
//
// What the verbs fuzz and coverage have in common: what was reached of the guest kernel, told and
// written.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <span>
#include <string>

#include "absl/status/statusor.h"
#include "src/coverage/report.h"

namespace fv::cli {

// `hits`: for each basic block of `kernel`, how many programs ran it. InvalidArgument: the kernel
// does not count its blocks, or has no debug information.
absl::StatusOr<coverage::Report> CoverageReport(std::span<const uint8_t> kernel,
                                                std::span<const uint64_t> hits);

// Several lines; members for an object.
std::string CoverageText(const coverage::Report& report);
nlohmann::ordered_json CoverageJson(const coverage::Report& report);

// WriteReport with the source of --source.
absl::Status WriteCoverage(const coverage::Report& report, const std::string& path);

}  // namespace fv::cli
