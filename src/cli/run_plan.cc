// SPDX-License-Identifier: Apache-2.0
#include "src/cli/run_plan.h"

#include <utility>
#include <vector>

#include "src/cli/flags.h"
#include "src/export/trace_observer.h"
#include "src/gdb/debugger.h"
#include "src/session/event_writer.h"
#include "src/session/failures.h"
#include "src/session/oracle_observer.h"

namespace fv::cli {
namespace {

// FailMode::kOff without the flag.
absl::StatusOr<proto::FailControl> FailPlan() {
  if (FLAGS_fail.empty()) return proto::FailControl{};
  return session::ParseFailPlan(FLAGS_fail);
}

// What the machine has to be made with so that all that was asked for sees what it needs.
absl::Status AddNeeds(const RunExtras& extras, RunPlan& plan) {
  plan.options.boot_flags |= session::CheckBootFlags(plan.mode) | extras.boot_flags;
  if (!FLAGS_gdb.empty()) {
    if (FLAGS_host != "kvm") return absl::InvalidArgumentError("--gdb wants --host=kvm");
    if (!FLAGS_from.empty()) return absl::InvalidArgumentError("--gdb does not go with --from");
    plan.options.boot_flags |= gdb::DebugBootFlags();
  }
  plan.options.event_mask =
      extras.event_mask | session::CheckEventMask(plan.mode) | (plan.events ? plan.kinds : 0) |
      (plan.trace ? exports::ChromeTrace::Kinds() : 0) | session::FailPlanEvents(plan.fail);
  if (plan.recording) {
    if ((plan.options.boot_flags & proto::kBootSafepoints) == 0) plan.recording->KeepToShare();
    plan.options.boot_flags |= plan.recording->boot_flags();
    plan.options.event_mask |= plan.recording->event_mask();
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<RunPlan> PlanFromFlags(const Arguments& arguments, oracle::CheckMode mode,
                                      const RunExtras& extras) {
  absl::StatusOr<session::GuestOptions> options = GuestOptionsFromFlags(arguments);
  if (!options.ok()) return options.status();
  absl::StatusOr<OutputFile> events = OutputFile::Open("events", FLAGS_events);
  if (!events.ok()) return events.status();
  absl::StatusOr<OutputFile> trace_file = OutputFile::Open("trace", FLAGS_trace);
  if (!trace_file.ok()) return trace_file.status();
  absl::StatusOr<uint64_t> kinds = session::ParseEventKinds(FLAGS_event_kinds);
  if (!kinds.ok()) return kinds.status();
  absl::StatusOr<proto::FailControl> fail = FailPlan();
  if (!fail.ok()) return fail.status();
  std::vector<std::string> words = options->arguments;
  words.insert(words.begin(), options->root.program.empty() ? FLAGS_from : options->root.program);
  absl::StatusOr<std::unique_ptr<RunRecording>> recording = RunRecording::FromFlags(
      FactsOf(std::move(words), options->fork_strategy, options->kernel_image), extras.recording);
  if (!recording.ok()) return recording.status();
  const std::string& program = options->root.program;
  const std::string name = program.substr(program.rfind('/') + 1);
  RunPlan plan{*std::move(options),    mode,   name,  *std::move(events),
               *std::move(trace_file), *kinds, *fail, *std::move(recording)};
  const absl::Status possible = AddNeeds(extras, plan);
  if (!possible.ok()) return possible;
  return plan;
}

}  // namespace fv::cli
