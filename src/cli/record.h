// SPDX-License-Identifier: Apache-2.0
//
// What --record, --record_limit and --record_kinds ask for.
#pragma once

#include <memory>

#include "absl/status/statusor.h"
#include "src/recording/recording_file.h"
#include "src/recording/recording_observer.h"
#include "src/session/guest.h"

namespace fv::cli {

class RunRecording {
 public:
  // Into `file`, or into that of --record if null. Null if there is neither. InvalidArgument: a
  // flag is wrong, or the file cannot be made.
  static absl::StatusOr<std::unique_ptr<RunRecording>> FromFlags(const session::GuestOptions& guest,
                                                                 recording::RecordingFile* file);

  // What the machine has to be made with.
  uint32_t boot_flags() const { return recording::RecordingObserver::BootFlags(); }
  uint64_t event_mask() const { return recording::RecordingObserver::EventMask(options_.kinds); }

  // For the run, before the oracle's.
  std::unique_ptr<recording::RecordingObserver> Observe(vmm::MachineInterface& machine) const;
  // Behind the run: says on standard error if the recording is not whole.
  void Tell(const recording::RecordingObserver& observer) const;

 private:
  RunRecording() = default;

  std::unique_ptr<recording::RecordingFile> owned_;
  recording::RecordingFile* file_ = nullptr;
  recording::RunFacts facts_;
  recording::RecorderOptions options_;
};

}  // namespace fv::cli
