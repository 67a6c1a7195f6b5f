// SPDX-License-Identifier: Apache-2.0
//
// What the flags say of a run, before there is a guest: its options, and the files that it writes.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "proto/fail.h"
#include "src/cli/arguments.h"
#include "src/cli/guest_run.h"
#include "src/cli/output.h"
#include "src/cli/record.h"
#include "src/oracle/checker.h"
#include "src/session/guest.h"

namespace fv::cli {

struct RunPlan {
  session::GuestOptions options;
  oracle::CheckMode mode;
  std::string program;  // its name; empty: a snapshot has it
  OutputFile events;
  OutputFile trace;
  uint64_t kinds = 0;                       // of the events that are written
  proto::FailControl fail{};                // FailMode::kOff without --fail
  std::unique_ptr<RunRecording> recording;  // null: none
};

// Opens the files. A Status is the user's fault.
absl::StatusOr<RunPlan> PlanFromFlags(const Arguments& arguments, oracle::CheckMode mode,
                                      const RunExtras& extras);

}  // namespace fv::cli
