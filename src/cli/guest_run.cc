// SPDX-License-Identifier: Apache-2.0
//
// Sets machine, session and observers up by the flags.
#include "src/cli/guest_run.h"

#include <csignal>
#include <optional>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "src/cli/exit_codes.h"
#include "src/cli/flags.h"
#include "src/cli/output.h"
#include "src/cli/record.h"
#include "src/cli/report.h"
#include "src/cli/verbs.h"
#include "src/export/file_question.h"
#include "src/export/trace_observer.h"
#include "src/gdb/debugger.h"
#include "src/inspect/sanitizer_report.h"
#include "src/query/live_server.h"
#include "src/session/event_writer.h"
#include "src/session/failures.h"
#include "src/session/from_snapshot.h"
#include "src/session/reset_proof.h"

namespace fv::cli {
namespace {

// FailMode::kOff without the flag.
absl::StatusOr<proto::FailControl> FailPlan() {
  if (FLAGS_fail.empty()) return proto::FailControl{};
  return session::ParseFailPlan(FLAGS_fail);
}

void SayStart(const session::Guest& guest) {
  const proto::BootInfo& boot = guest.machine->boot_info();
  Complain(absl::StrCat(guest.machine->Describe(), ", memory ", FormatSize(boot.ram_bytes),
                        ", root ", guest.initrd_bytes, " bytes"));
}

void SayEnd(const session::SessionResult& result, const vmm::MachineInterface& machine) {
  Complain(absl::StrCat(result.events, " events, ", result.safepoints, " safepoints, ",
                        machine.memory().ResidentBytes() >> 20, " MiB of guest memory touched"));
}

// With --vm: answers at that socket. Null without.
absl::StatusOr<std::unique_ptr<query::LiveServer>> ServerFromFlags(vmm::MachineInterface& machine) {
  if (FLAGS_vm.empty()) return std::unique_ptr<query::LiveServer>();
  absl::StatusOr<std::span<const uint8_t>> kernel = KernelImage();
  if (!kernel.ok()) return kernel.status();
  return query::LiveServer::Start(machine, FLAGS_vm, {StrategyNames(*kernel), exports::AskForFile});
}

// With --gdb: the debugger, which says where it listens. Null without.
absl::StatusOr<std::unique_ptr<gdb::Debugger>> DebuggerFromFlags(session::Guest& guest) {
  if (FLAGS_gdb.empty()) return std::unique_ptr<gdb::Debugger>();
  uint32_t port = 0;
  if (!absl::SimpleAtoi(FLAGS_gdb, &port) || port > UINT16_MAX) {
    return absl::InvalidArgumentError(absl::StrCat("--gdb=", FLAGS_gdb, " is no port"));
  }
  absl::StatusOr<std::span<const uint8_t>> kernel = KernelImage();
  if (!kernel.ok()) return kernel.status();
  absl::StatusOr<std::unique_ptr<gdb::Debugger>> debugger =
      gdb::Debugger::Start(*guest.on_kvm, static_cast<uint16_t>(port), {StrategyNames(*kernel)});
  if (debugger.ok()) {
    Complain(absl::StrCat("gdb: waiting at the program's start; in gdb: target remote 127.0.0.1:",
                          (*debugger)->port()));
  }
  return debugger;
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

// A panic's message, with names for places in the kernel if it is a report of the kernel's checks.
void NamePlaces(session::SessionResult& result, std::span<const uint8_t> kernel_image) {
  if (result.end != session::SessionEnd::kPanic) return;
  if (const auto report = inspect::ReadSanitizerReport(result.message, kernel_image)) {
    result.message = report->text;
  }
}

// What the flags say of a run.
struct RunPlan {
  session::GuestOptions options;
  oracle::CheckMode mode;
  std::string program;  // its name; empty: a snapshot has it
  OutputFile events;
  OutputFile trace;
  uint64_t kinds = 0;
  proto::FailControl fail{};
  std::unique_ptr<RunRecording> recording;  // null: none
};

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
  options->boot_flags |= session::CheckBootFlags(mode) | extras.boot_flags;
  if (!FLAGS_gdb.empty()) {
    if (FLAGS_host != "kvm") return absl::InvalidArgumentError("--gdb wants --host=kvm");
    if (!FLAGS_from.empty()) return absl::InvalidArgumentError("--gdb does not go with --from");
    options->boot_flags |= gdb::DebugBootFlags();
  }
  options->event_mask = extras.event_mask | session::CheckEventMask(mode) | (*events ? *kinds : 0) |
                        (*trace_file ? exports::ChromeTrace::Kinds() : 0) |
                        session::FailPlanEvents(*fail);
  if (*recording) {
    if ((options->boot_flags & proto::kBootSafepoints) == 0) (*recording)->KeepToShare();
    options->boot_flags |= (*recording)->boot_flags();
    options->event_mask |= (*recording)->event_mask();
  }
  const std::string& program = options->root.program;
  const std::string name = program.substr(program.rfind('/') + 1);
  return RunPlan{*std::move(options),    mode,   name,  *std::move(events),
                 *std::move(trace_file), *kinds, *fail, *std::move(recording)};
}

absl::StatusOr<int> RunOnce(session::Guest& guest, const RunPlan& plan, const RunExtras& extras,
                            const std::function<int(const GuestRunResult&)>& then) {
  session::SessionOptions session_options = OptionsFromFlags(plan.options, extras.output);
  std::unique_ptr<session::EventWriter> writer;
  if (plan.events) {
    writer = std::make_unique<session::EventWriter>(plan.events.get(),
                                                    guest.machine->boot_info().tsc_khz, plan.kinds);
    session_options.observers.push_back(writer.get());
  }
  std::optional<exports::TraceObserver> trace;
  if (plan.trace) {
    trace.emplace(plan.trace.get(), guest.machine->boot_info().tsc_khz, plan.program);
    session_options.observers.push_back(&*trace);
  }
  std::unique_ptr<recording::RecordingObserver> recorder;
  if (plan.recording) {
    recorder = plan.recording->Observe(*guest.machine);
    session_options.observers.push_back(recorder.get());
  }
  absl::StatusOr<std::unique_ptr<gdb::Debugger>> debugger = DebuggerFromFlags(guest);
  if (!debugger.ok()) return debugger.status();
  if (*debugger) session_options.observers.push_back(&(*debugger)->before_check());
  std::unique_ptr<session::OracleObserver> oracle;
  if (plan.mode != oracle::CheckMode::kOff) {
    oracle = std::make_unique<session::OracleObserver>(*guest.machine,
                                                       oracle::CheckerOptions{.mode = plan.mode});
    session_options.observers.push_back(oracle.get());
    oracle->OnFinding([&](const oracle::Finding& finding, const std::string& text) {
      if (recorder) recorder->OnFinding(finding, text);
      if (*debugger) (*debugger)->OnFinding(text);
    });
  }
  std::optional<session::FailureObserver> failures;
  if (plan.fail.mode != proto::FailMode::kOff) {
    failures.emplace(*guest.machine, plan.fail, plan.options.kernel_image);
    session_options.observers.push_back(&*failures);
  }
  const std::unique_ptr<session::Observer> extra =
      extras.observer ? extras.observer(*guest.machine) : nullptr;
  if (extra) session_options.observers.push_back(extra.get());
  absl::StatusOr<std::unique_ptr<query::LiveServer>> server = ServerFromFlags(*guest.machine);
  if (!server.ok()) return server.status();
  if (*server) session_options.observers.push_back(server->get());
  if (*debugger) session_options.observers.push_back(debugger->get());
  GuestRunResult result{session::Session(*guest.machine, session_options).Run(), oracle.get(),
                        extra.get()};
  if (*debugger && (*debugger)->killed()) {
    result.session.end = session::SessionEnd::kSignal;
    result.session.signal_number = SIGKILL;
  }
  NamePlaces(result.session, plan.options.kernel_image);
  if (recorder) {
    recorder->Finish(result.session);
    plan.recording->Tell(*recorder);
  }
  if (FLAGS_v) SayEnd(result.session, *guest.machine);
  if (failures) Complain(failures->Summary());
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
  const absl::StatusOr<int> code = FLAGS_repeat == 1 ? RunOnce(started->guest, *plan, extras, then)
                                                     : RunRepeatedly(*started, *plan, extras, then);
  if (!code.ok()) return code;
  const absl::Status recorded = plan->recording ? plan->recording->status() : absl::OkStatus();
  return FinishFiles({plan->events.Close(), plan->trace.Close(), recorded}, *code);
}

int Tell(const GuestRunResult& result) {
  Report report = MakeReport(result.session);
  if (!report.message.empty()) Complain(report.message);
  if (result.oracle == nullptr || result.oracle->findings().empty()) return report.exit_code;
  for (const std::string& finding : result.oracle->findings()) {
    Complain(std::string(absl::StripTrailingAsciiWhitespace(finding)));
  }
  return kExitFinding;
}

}  // namespace fv::cli
