// SPDX-License-Identifier: Apache-2.0
//
// What both kinds of `forkvisor bench` share: the flag --touch.
#pragma once

#include "absl/status/statusor.h"
#include "src/bench/guest_side.h"

namespace fv::cli {

// From --touch.
absl::StatusOr<bench::Touch> ParseTouch();

}  // namespace fv::cli
