// SPDX-License-Identifier: Apache-2.0
//
// forkvisor snapshot: runs a program to a moment and writes the machine into a file.
#include <gflags/gflags.h>

#include "absl/strings/str_cat.h"
#include "src/cli/exit_codes.h"
#include "src/cli/flags.h"
#include "src/cli/guest_run.h"
#include "src/cli/output.h"
#include "src/cli/verbs.h"
#include "src/session/moment.h"
#include "vmm/error.h"
#include "vmm/snapshot/snapshot_file.h"

DECLARE_string(at);
DECLARE_string(out);

namespace fv::cli {
namespace {

vmm::Machine& OnKvm(vmm::MachineInterface& machine) {
  auto* on_kvm = dynamic_cast<vmm::Machine*>(&machine);
  if (on_kvm == nullptr) {
    throw vmm::VmmError(vmm::VmmErrorKind::kBadConfig,
                        "only a guest on KVM has snapshots (--host=kvm)");
  }
  return *on_kvm;
}

int WriteIt(const GuestRunResult& result, const std::string& file) {
  const auto& taker = static_cast<const session::SnapshotTaker&>(*result.extra);
  if (taker.snapshot() == nullptr) {
    const int code = Tell(result);
    Complain("no snapshot: the moment never came");
    return code == kExitOk ? kExitUsage : code;
  }
  vmm::WriteSnapshotFile(*taker.snapshot(), file);
  return kExitOk;
}

}  // namespace

int SnapshotVerb(const Words& args) {
  std::vector<std::string_view> allowed = GuestFlags();
  allowed.insert(allowed.end(), {"at", "out"});
  gflags::SetCommandLineOptionWithMode("at", "start", gflags::SET_FLAGS_DEFAULT);
  absl::StatusOr<Arguments> arguments = ParseArguments(args, allowed);
  if (!arguments.ok()) return UsageError("snapshot", arguments.status());
  if (arguments->help) return ShowHelp("snapshot");
  if (arguments->words.empty()) return UsageError("snapshot", "which program?");
  if (FLAGS_out.empty()) return UsageError("snapshot", "into which file? --out=FILE");
  if (const absl::Status place = CheckPlace("out", FLAGS_out); !place.ok()) {
    return UsageError("snapshot", place);
  }
  const absl::StatusOr<session::SnapshotTime> time = session::ParseSnapshotTime(FLAGS_at);
  if (!time.ok()) {
    return UsageError("snapshot", absl::StrCat("--at=", FLAGS_at, ": ", time.status().message()));
  }
  RunExtras extras;
  extras.event_mask = session::TriggerEvents(time->trigger);
  extras.observer = [&](vmm::MachineInterface& machine) {
    return std::make_unique<session::SnapshotTaker>(OnKvm(machine), *time);
  };
  const std::string file = FLAGS_out;
  const absl::StatusOr<int> code = RunGuest(
      *arguments, oracle::CheckMode::kOff,
      [&](const GuestRunResult& result) { return WriteIt(result, file); }, extras);
  return code.ok() ? *code : StatusError(code.status());
}

}  // namespace fv::cli
