// SPDX-License-Identifier: Apache-2.0
//
// forkvisor run: a static Linux program in a guest, console attached.
#include <unistd.h>

#include <cstdio>

#include "absl/strings/str_cat.h"
#include "src/cli/exit_codes.h"
#include "src/cli/flags.h"
#include "src/cli/report.h"
#include "src/cli/verbs.h"

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

}  // namespace

int RunVerb(const Words& args) {
  absl::StatusOr<Arguments> arguments = ParseArguments(args, GuestFlags());
  if (!arguments.ok()) return UsageError("run", arguments.status().message().data());
  if (arguments->help) return ShowHelp("run");
  if (arguments->words.empty()) return UsageError("run", "which program?");
  absl::StatusOr<session::GuestOptions> options = GuestOptionsFromFlags(*arguments);
  if (!options.ok()) return StatusError(options.status());
  absl::StatusOr<session::Guest> guest = session::StartGuest(*options);
  if (!guest.ok()) return StatusError(guest.status());
  SayStart(*guest);
  session::Session session(*guest->machine, SessionOptionsFromFlags(*options));
  const Report report = MakeReport(session.Run());
  if (!report.message.empty()) Complain(report.message);
  return report.exit_code;
}

}  // namespace fv::cli
