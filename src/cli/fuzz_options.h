// SPDX-License-Identifier: Apache-2.0
//
// What the verbs fuzz, replay and coverage have in common: programs, and how they are judged.
#pragma once

#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "src/fuzz/campaign.h"
#include "src/fuzz/judge.h"

namespace fv::cli {

// --check (`usual` if it is not given), --differential, --strategy, --mutant, --kernel...
// Without --kernel it is the fuzzer's.
absl::StatusOr<fuzz::JudgeOptions> JudgeOptionsFromFlags(oracle::CheckMode usual);

// A .textproto, or bytes as they are in a corpus.
absl::StatusOr<fuzz::Program> ReadProgram(const std::string& path);

// --dictionary: the exit code, or nullopt if it was not given.
std::optional<int> FuzzWithoutGuest();
// --engine and --merge: what there is to do but a campaign; nullopt: a campaign. Else the exit
// code.
std::optional<int> FuzzWithoutCampaign(const fuzz::CampaignOptions& options);

}  // namespace fv::cli
