// SPDX-License-Identifier: Apache-2.0
//
// What the verbs fuzz and replay have in common: how programs are judged, by the flags.
#pragma once

#include "absl/status/statusor.h"
#include "src/fuzz/judge.h"

namespace fv::cli {

// --check (`usual` if it is not given), --differential, --strategy, --mutant, --kernel...
absl::StatusOr<fuzz::JudgeOptions> JudgeOptionsFromFlags(oracle::CheckMode usual);

}  // namespace fv::cli
