// SPDX-License-Identifier: Apache-2.0
//
// What both kinds of `forkvisor bench` share: the flag --touch, and where results go.
#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "src/bench/guest_side.h"

namespace fv::cli {

// From --touch.
absl::StatusOr<bench::Touch> ParseTouch();

// Writes `text` to the file, or to standard output if there is no name. Exit code.
int WriteOut(const std::string& text, const std::string& file);

}  // namespace fv::cli
