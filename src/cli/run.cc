// SPDX-License-Identifier: Apache-2.0
//
// forkvisor run: a Linux program in a guest, console attached.
#include "src/cli/flags.h"
#include "src/cli/guest_run.h"
#include "src/cli/verbs.h"

namespace fv::cli {

int RunVerb(const Words& args) {
  std::vector<std::string_view> allowed = GuestFlags();
  allowed.push_back("check");
  allowed.push_back("gdb");
  for (const std::string_view flag : FromFlags()) allowed.push_back(flag);
  absl::StatusOr<Arguments> arguments = ParseArguments(args, allowed);
  if (!arguments.ok()) return UsageError("run", arguments.status());
  if (arguments->help) return ShowHelp("run");
  if (const absl::Status wrong = CheckFrom(*arguments); !wrong.ok()) {
    return UsageError("run", wrong);
  }
  const absl::StatusOr<oracle::CheckMode> mode = CheckModeFromFlags();
  if (!mode.ok()) return UsageError("run", mode.status());
  const absl::StatusOr<int> code = RunGuest(*arguments, *mode, Tell);
  return code.ok() ? *code : StatusError(code.status());
}

}  // namespace fv::cli
