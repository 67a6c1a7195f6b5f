// SPDX-License-Identifier: Apache-2.0
//
// What the verbs run and check share: a program in a guest with everything that the flags ask for.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "src/cli/arguments.h"
#include "src/oracle/checker.h"
#include "src/recording/recording_file.h"
#include "src/session/oracle_observer.h"
#include "src/session/session.h"

namespace fv::cli {

struct GuestRunResult {
  session::SessionResult session;
  // Null with CheckMode::kOff. Lives as long as the machine.
  const session::OracleObserver* oracle = nullptr;
  session::Observer* extra = nullptr;  // RunExtras::observer's
};

// What a verb adds to a run.
struct RunExtras {
  uint64_t event_mask = 0;
  uint32_t boot_flags = 0;
  int output = 1;                                 // descriptor for the program's standard output
  recording::RecordingFile* recording = nullptr;  // the run is recorded in it; null: in --record's
  // Made when the machine is, and told of the run; lives until `then` has returned. May be null.
  std::function<std::unique_ptr<session::Observer>(vmm::MachineInterface&)> observer;
};

// Runs the program of `arguments` and hands the result, the machine still there, to `then`, whose
// exit code it returns. A Status is the user's fault; throws vmm::VmmError.
absl::StatusOr<int> RunGuest(const Arguments& arguments, oracle::CheckMode mode,
                             const std::function<int(const GuestRunResult&)>& then,
                             const RunExtras& extras = {});

// The report of a run on standard error; the exit code.
int Tell(const GuestRunResult& result);

// Findings on standard error; of many the first ones, unless there is -v.
void TellFindings(const std::vector<std::string>& findings);

}  // namespace fv::cli
