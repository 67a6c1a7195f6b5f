// SPDX-License-Identifier: Apache-2.0
//
// forkvisor run: a static Linux program in a guest, console attached.
#include <unistd.h>

#include <cstdio>
#include <memory>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "src/cli/exit_codes.h"
#include "src/cli/flags.h"
#include "src/cli/report.h"
#include "src/cli/verbs.h"
#include "src/session/check.h"

namespace fv::cli {
namespace {

void SayStart(const session::Guest& guest) {
  if (!FLAGS_v) return;
  const proto::BootInfo& boot = guest.machine->boot_info();
  Complain(absl::StrCat("kvm ", vmm::BackendName(), ", kernel ring ", boot.kernel_ring, " (",
                        guest.machine->ring_reason(), "), memory ", FormatSize(boot.ram_bytes),
                        ", root ", guest.initrd_bytes, " bytes"));
}

session::SessionOptions SessionOptionsFromFlags(const session::GuestOptions& guest) {
  session::SessionOptions options;
  options.timeout_ns = guest.timeout_ns;
  if (FLAGS_v) {
    options.kernel_log = [](std::string_view line) {
      Complain(absl::StrCat("[kernel] ", std::string(line)));
    };
  }
  return options;
}

void SayChecked(const oracle::CheckerStats& stats) {
  if (!FLAGS_v) return;
  Complain(absl::StrCat("oracle: ", stats.checked, " of ", stats.safepoints,
                        " safepoints checked in ", stats.nanoseconds / 1000, " us (first ",
                        stats.first_ns / 1000, " us, longest after it ", stats.longest_ns / 1000,
                        " us), ", stats.walked_ptes, " entries walked"));
}

}  // namespace

int RunVerb(const Words& args) {
  absl::StatusOr<Arguments> arguments = ParseArguments(args, GuestFlags());
  if (!arguments.ok()) return UsageError("run", arguments.status().message().data());
  if (arguments->help) return ShowHelp("run");
  if (arguments->words.empty()) return UsageError("run", "which program?");
  absl::StatusOr<session::GuestOptions> options = GuestOptionsFromFlags(*arguments);
  if (!options.ok()) return StatusError(options.status());
  const std::optional<oracle::CheckMode> check = oracle::ParseCheckMode(FLAGS_check);
  if (!check) return UsageError("run", "--check: choose one of off, end, sampled, every");
  const session::CheckNeeds needs = session::NeedsOf(*check);
  options->boot_flags |= needs.boot_flags;
  options->event_mask |= needs.event_mask;
  absl::StatusOr<session::Guest> guest = session::StartGuest(*options);
  if (!guest.ok()) return StatusError(guest.status());
  SayStart(*guest);
  session::SessionOptions session_options = SessionOptionsFromFlags(*options);
  std::unique_ptr<session::CheckObserver> observer;
  if (*check != oracle::CheckMode::kOff) {
    observer = std::make_unique<session::CheckObserver>(
        *guest->machine, oracle::CheckerOptions{.mode = *check},
        [](const std::string& finding) { Complain(finding); });
    session_options.observers.push_back(observer.get());
  }
  session::Session session(*guest->machine, std::move(session_options));
  const Report report = MakeReport(session.Run());
  if (observer) SayChecked(observer->stats());
  if (!report.message.empty()) Complain(report.message);
  return report.exit_code;
}

}  // namespace fv::cli
