// SPDX-License-Identifier: Apache-2.0
//
// Runs what the plan says: once, or going back to a snapshot each time.
#include "src/cli/guest_run.h"

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "src/cli/exit_codes.h"
#include "src/cli/flags.h"
#include "src/cli/report.h"
#include "src/cli/run_plan.h"
#include "src/cli/run_watchers.h"
#include "src/cli/verbs.h"
#include "src/session/from_snapshot.h"
#include "src/session/reset_proof.h"

namespace fv::cli {
namespace {

void SayStart(const session::Guest& guest) {
  const proto::BootInfo& boot = guest.machine->boot_info();
  Complain(absl::StrCat(guest.machine->Describe(), ", memory ", FormatSize(boot.ram_bytes),
                        ", root ", guest.initrd_bytes, " bytes"));
}

void SayEnd(const session::SessionResult& result, const vmm::MachineInterface& machine) {
  Complain(absl::StrCat(result.events, " events, ", result.safepoints, " safepoints, ",
                        machine.memory().ResidentBytes() >> 20, " MiB of guest memory touched"));
}

session::SessionOptions OptionsFromFlags(const session::GuestOptions& guest, int output) {
  session::SessionOptions options;
  options.output = output;
  options.timeout_ns = guest.timeout_ns;
  if (FLAGS_v) {
    options.kernel_log = [](std::string_view line) {
      Complain(absl::StrCat("[kernel] ", std::string(line)));
    };
  }
  return options;
}

// The guest of a snapshot or a new one.
absl::StatusOr<session::SnapshotGuest> StartFromFlags(const session::GuestOptions& options) {
  if (!FLAGS_from.empty()) {
    session::SnapshotGuest started = session::StartFromSnapshot(
        {FLAGS_from, options.kernel_image, options.timeout_ns, options.kvm_device});
    session::SetObserved(*started.guest.on_kvm, options.event_mask, options.boot_flags);
    return started;
  }
  absl::StatusOr<session::Guest> guest = session::StartGuest(options);
  if (!guest.ok()) return guest.status();
  return session::SnapshotGuest{*std::move(guest), nullptr};
}

// Goes back to the snapshot; false and complaints if the proof found a difference.
bool GoBack(session::Resetter& resetter, session::Guest& guest,
            const session::GuestOptions& options) {
  const std::vector<std::string> differences = resetter.Reset();
  for (const std::string& line : differences) {
    Complain(absl::StrCat("the reset was not exact: ", line));
  }
  session::SetObserved(*guest.on_kvm, options.event_mask, options.boot_flags);
  return differences.empty();
}

void SayResets(const session::Resetter& resetter) {
  const auto mean_us = [](uint64_t ns, uint64_t count) {
    return count == 0 ? 0.0 : static_cast<double>(ns) / 1e3 / static_cast<double>(count);
  };
  Complain(absl::StrFormat("%d resets, %.1f us on average; %d proved exact, %.1f us on average",
                           resetter.resets(), mean_us(resetter.reset_ns(), resetter.resets()),
                           resetter.proofs(), mean_us(resetter.proof_ns(), resetter.proofs())));
}

absl::StatusOr<int> RunOnce(session::Guest& guest, const RunPlan& plan, const RunExtras& extras,
                            const std::function<int(const GuestRunResult&)>& then) {
  RunWatchers watchers(guest, plan);
  const absl::Status watched = watchers.Start(extras);
  if (!watched.ok()) return watched;
  session::SessionOptions options = OptionsFromFlags(plan.options, extras.output);
  options.observers = watchers.observers();
  GuestRunResult result{session::Session(*guest.machine, options).Run(), watchers.oracle(),
                        watchers.extra()};
  watchers.Finish(result.session);
  if (FLAGS_v) SayEnd(result.session, *guest.machine);
  watchers.Tell();
  return then(result);
}

// As often as --repeat says, while all is well.
absl::StatusOr<int> RunRepeatedly(session::SnapshotGuest& started, const RunPlan& plan,
                                  const RunExtras& extras,
                                  const std::function<int(const GuestRunResult&)>& then) {
  session::Guest& guest = started.guest;
  const absl::StatusOr<session::ProveReset> prove = ProveResetFromFlags();
  if (!prove.ok()) return prove.status();
  session::Resetter resetter(*guest.on_kvm, started.snapshot, *prove);
  absl::StatusOr<int> code = kExitOk;
  for (int i = 0; i < FLAGS_repeat && code.ok() && *code == kExitOk; ++i) {
    code = RunOnce(guest, plan, extras, then);
    if (code.ok() && !GoBack(resetter, guest, plan.options)) code = kExitFinding;
  }
  SayResets(resetter);
  return code;
}

}  // namespace

absl::StatusOr<int> RunGuest(const Arguments& arguments, oracle::CheckMode mode,
                             const std::function<int(const GuestRunResult&)>& then,
                             const RunExtras& extras) {
  absl::StatusOr<RunPlan> plan = PlanFromFlags(arguments, mode, extras);
  if (!plan.ok()) return plan.status();
  absl::StatusOr<session::SnapshotGuest> started = StartFromFlags(plan->options);
  if (!started.ok()) return started.status();
  if (FLAGS_v) SayStart(started->guest);
  absl::StatusOr<int> code = FLAGS_repeat == 1 ? RunOnce(started->guest, *plan, extras, then)
                                               : RunRepeatedly(*started, *plan, extras, then);
  if (!code.ok()) return code;
  const absl::Status recorded = plan->recording ? plan->recording->status() : absl::OkStatus();
  return FinishFiles({plan->events.Close(), plan->trace.Close(), recorded}, *code);
}

int Tell(const GuestRunResult& result) {
  Report report = MakeReport(result.session);
  if (!report.message.empty()) Complain(report.message);
  if (result.oracle == nullptr || result.oracle->findings().empty()) return report.exit_code;
  TellFindings(result.oracle->findings());
  return kExitFinding;
}

void TellFindings(const std::vector<std::string>& findings) {
  constexpr size_t kShown = 10;
  for (const std::string& text : ShownFindings(findings, FLAGS_v ? findings.size() : kShown)) {
    Complain(std::string(absl::StripTrailingAsciiWhitespace(text)));
  }
}

}  // namespace fv::cli
