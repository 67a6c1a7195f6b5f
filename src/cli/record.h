// SPDX-License-Identifier: Apache-2.0
//
// What --record, --record_limit, --record_share and --record_kinds ask for.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "src/recording/recording_file.h"
#include "src/recording/recording_observer.h"

namespace fv::cli {

// Of a program that is called so with its arguments, and of this kernel.
recording::RunFacts FactsOf(std::vector<std::string> program, const std::string& strategy,
                            std::span<const uint8_t> kernel);

class RunRecording {
 public:
  // Into `file`, or into that of --record if null. Null if there is neither. What executes the
  // guest is filled in when it is there. InvalidArgument: a flag is wrong, or the file cannot be
  // made.
  static absl::StatusOr<std::unique_ptr<RunRecording>> FromFlags(const recording::RunFacts& facts,
                                                                 recording::RecordingFile* file);

  // What the machine has to be made with.
  uint32_t boot_flags() const { return recording::RecordingObserver::BootFlags(); }
  uint64_t event_mask() const { return recording::RecordingObserver::EventMask(options_.kinds); }

  // Nobody else looks at safepoints, so there may be fewer (--record_share). Before Observe.
  void KeepToShare();

  // For the run, before the oracle's.
  std::unique_ptr<recording::RecordingObserver> Observe(vmm::MachineInterface& machine) const;
  // Behind the run: says on standard error if the recording ended before it.
  void Tell(const recording::RecordingObserver& observer) const;
  // Of the file: an error of any write.
  absl::Status status() const;

 private:
  RunRecording() = default;

  std::unique_ptr<recording::RecordingFile> owned_;
  recording::RecordingFile* file_ = nullptr;
  recording::RunFacts facts_;
  recording::RecorderOptions options_;
};

}  // namespace fv::cli
