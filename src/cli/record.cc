// SPDX-License-Identifier: Apache-2.0
#include "src/cli/record.h"

#include <gflags/gflags.h>

#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "src/cli/arguments.h"
#include "src/cli/flags.h"
#include "src/cli/verbs.h"
#include "src/session/event_writer.h"
#include "vmm/snapshot/hash.h"

DEFINE_string(record, "", "record the run, step by step, in this file");
DEFINE_string(record_limit, "256M", "largest recording; 0: no limit");
DEFINE_uint32(record_share, 20,
              "percent that stops may make the run longer; 0: each step is recorded");
DEFINE_string(record_kinds, "", "the events to record: a list of kinds, or all");

namespace fv::cli {

recording::RunFacts FactsOf(std::vector<std::string> program, const std::string& strategy,
                            std::span<const uint8_t> kernel) {
  recording::RunFacts facts;
  facts.program = std::move(program);
  facts.strategy = strategy;
  facts.strategies = StrategyNames(kernel);
  facts.kernel_id = absl::StrFormat("%016x", vmm::HashBytes(kernel));
  return facts;
}

absl::StatusOr<std::unique_ptr<RunRecording>> RunRecording::FromFlags(
    const recording::RunFacts& facts, recording::RecordingFile* file) {
  std::unique_ptr<RunRecording> recording(new RunRecording);
  absl::StatusOr<uint64_t> limit = ParseSize("record_limit", FLAGS_record_limit);
  if (!limit.ok()) return limit.status();
  if (FLAGS_record_share > 100) return absl::InvalidArgumentError("--record_share is 0 to 100");
  recording->options_ = {.kinds = recording::Recorder::DefaultKinds(), .limit_bytes = *limit};
  if (!FLAGS_record_kinds.empty()) {
    absl::StatusOr<uint64_t> kinds = session::ParseEventKinds(FLAGS_record_kinds);
    if (!kinds.ok()) return kinds.status();
    recording->options_.kinds = *kinds;
  }
  if (FLAGS_record.empty() && file == nullptr) return std::unique_ptr<RunRecording>();
  if (FLAGS_repeat != 1) return absl::InvalidArgumentError("--record is of one run, not of many");
  recording->facts_ = facts;
  recording->file_ = file;
  if (file == nullptr) {
    absl::StatusOr<vmm::Fd> made = recording::CreateFile(FLAGS_record);
    if (!made.ok())
      return absl::InvalidArgumentError("--record=" + std::string(made.status().message()));
    recording->owned_ = std::make_unique<recording::RecordingFile>(*std::move(made));
    recording->file_ = recording->owned_.get();
  }
  return recording;
}

absl::Status RunRecording::status() const {
  const absl::Status status = file_->status();
  if (status.ok() || FLAGS_record.empty()) return status;
  return absl::Status(status.code(),
                      absl::StrCat("--record=", FLAGS_record, ": ", status.message()));
}

void RunRecording::KeepToShare() { options_.share = FLAGS_record_share; }

std::unique_ptr<recording::RecordingObserver> RunRecording::Observe(
    vmm::MachineInterface& machine) const {
  recording::RunFacts facts = facts_;
  facts.host = machine.Describe();
  return std::make_unique<recording::RecordingObserver>(machine, *file_, facts, options_);
}

void RunRecording::Tell(const recording::RecordingObserver& observer) const {
  if (observer.recorder().full()) {
    Complain(absl::StrCat("the recording ends at ", FormatSize(options_.limit_bytes),
                          ", before the run did (--record_limit)"));
  }
  if (FLAGS_v) {
    Complain(absl::StrCat("recorded ", observer.recorder().events(), " events in ", file_->bytes(),
                          " bytes"));
  }
}

}  // namespace fv::cli
