// SPDX-License-Identifier: Apache-2.0
//
// The state of a recorded run at a step, as a moment that questions can be asked about. Of memory
// it has the page tables only.
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "absl/status/statusor.h"
#include "src/query/moment.h"

namespace fv::recording {

// After `step` steps, as the view counts them: 0 is the first state. Its events are the last ones
// until then. Errors: InvalidArgument (no recording), FailedPrecondition (made by another version
// of this program), NotFound (it has fewer steps), DataLoss (its changes do not fit).
absl::StatusOr<query::Moment> MomentAt(std::span<const uint8_t> recording, uint64_t step);

}  // namespace fv::recording
