// SPDX-License-Identifier: Apache-2.0
//
// Sets machine, session and observers up by the flags.
#include "src/cli/guest_run.h"

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <optional>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "src/cli/exit_codes.h"
#include "src/cli/flags.h"
#include "src/cli/report.h"
#include "src/cli/verbs.h"
#include "src/export/trace_observer.h"
#include "src/query/live_server.h"
#include "src/session/event_writer.h"
#include "src/session/failures.h"

namespace fv::cli {
namespace {

struct CloseFile {
  void operator()(std::FILE* file) const {
    if (file != stderr) std::fclose(file);
  }
};
using File = std::unique_ptr<std::FILE, CloseFile>;

// For the output of `flag`; "-" is standard error, "" nothing.
absl::StatusOr<File> OpenOutput(const char* flag, const std::string& path) {
  if (path.empty()) return File();
  if (path == "-") return File(stderr);
  std::FILE* file = std::fopen(path.c_str(), "we");
  if (file == nullptr) {
    return absl::InvalidArgumentError(
        absl::StrCat("--", flag, "=", path, ": ", std::strerror(errno)));
  }
  return File(file);
}

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
  return query::LiveServer::Start(machine, FLAGS_vm, StrategyNames(*kernel));
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

}  // namespace

absl::StatusOr<int> RunGuest(const Arguments& arguments, oracle::CheckMode mode,
                             const std::function<int(const GuestRunResult&)>& then,
                             const RunExtras& extras) {
  absl::StatusOr<session::GuestOptions> options = GuestOptionsFromFlags(arguments);
  if (!options.ok()) return options.status();
  absl::StatusOr<File> events = OpenOutput("events", FLAGS_events);
  if (!events.ok()) return events.status();
  absl::StatusOr<File> trace_file = OpenOutput("trace", FLAGS_trace);
  if (!trace_file.ok()) return trace_file.status();
  absl::StatusOr<uint64_t> kinds = session::ParseEventKinds(FLAGS_event_kinds);
  if (!kinds.ok()) return kinds.status();
  absl::StatusOr<proto::FailControl> fail = FailPlan();
  if (!fail.ok()) return fail.status();
  options->boot_flags |= session::CheckBootFlags(mode) | extras.boot_flags;
  options->event_mask = extras.event_mask | session::CheckEventMask(mode) | (*events ? *kinds : 0) |
                        (*trace_file ? exports::ChromeTrace::Kinds() : 0) |
                        session::FailPlanEvents(*fail);

  absl::StatusOr<session::Guest> guest = session::StartGuest(*options);
  if (!guest.ok()) return guest.status();
  if (FLAGS_v) SayStart(*guest);
  session::SessionOptions session_options = OptionsFromFlags(*options, extras.output);
  std::unique_ptr<session::EventWriter> writer;
  if (*events) {
    writer = std::make_unique<session::EventWriter>(events->get(),
                                                    guest->machine->boot_info().tsc_khz, *kinds);
    session_options.observers.push_back(writer.get());
  }
  std::optional<exports::TraceObserver> trace;
  if (*trace_file) {
    const std::string& program = arguments.words.front();
    trace.emplace(trace_file->get(), guest->machine->boot_info().tsc_khz,
                  program.substr(program.rfind('/') + 1));
    session_options.observers.push_back(&*trace);
  }
  std::unique_ptr<session::OracleObserver> oracle;
  if (mode != oracle::CheckMode::kOff) {
    oracle = std::make_unique<session::OracleObserver>(*guest->machine,
                                                       oracle::CheckerOptions{.mode = mode});
    session_options.observers.push_back(oracle.get());
  }
  std::optional<session::FailureObserver> failures;
  if (fail->mode != proto::FailMode::kOff) {
    failures.emplace(*guest->machine, *fail, options->kernel_image);
    session_options.observers.push_back(&*failures);
  }
  const std::unique_ptr<session::Observer> extra =
      extras.observer ? extras.observer(*guest->machine) : nullptr;
  if (extra) session_options.observers.push_back(extra.get());
  absl::StatusOr<std::unique_ptr<query::LiveServer>> server = ServerFromFlags(*guest->machine);
  if (!server.ok()) return server.status();
  if (*server) session_options.observers.push_back(server->get());
  const GuestRunResult result{session::Session(*guest->machine, session_options).Run(),
                              oracle.get(), extra.get()};
  if (FLAGS_v) SayEnd(result.session, *guest->machine);
  if (failures) Complain(failures->Summary());
  return then(result);
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
