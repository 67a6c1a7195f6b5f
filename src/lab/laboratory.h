// SPDX-License-Identifier: Apache-2.0
//
// The laboratory: runs the cells of a matrix, interleaved, until each median is known as exactly as
// wanted or the budget is spent. One thread, pinned to one CPU together with what it starts.
#pragma once

#include <functional>
#include <span>
#include <string>

#include "absl/status/statusor.h"
#include "src/lab/journal.h"
#include "src/lab/matrix.h"
#include "src/lab/results.h"
#include "src/lab/runner.h"
#include "src/lab/schedule.h"

namespace fv::lab {

struct LabOptions {
  Matrix matrix;
  Goal goal;
  Systems systems;  // its program is set by RunLaboratory
  std::span<const uint8_t> program;
  std::string resume;  // journal; empty: the experiment is not kept
  Identity identity;   // of the journal
  // One line for people, now and then. May be null.
  std::function<void(const std::string&)> progress;
  // Whether somebody wants it to end; asked between batches. The result then has what was measured,
  // and says "interrupted". May be null.
  std::function<bool()> stop;
};

// Throws vmm::VmmError, std::system_error. A guest that fails is an error; batches made before
// are in the journal.
absl::StatusOr<LabResults> RunLaboratory(const LabOptions& options);

}  // namespace fv::lab
