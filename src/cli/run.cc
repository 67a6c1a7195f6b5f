// SPDX-License-Identifier: Apache-2.0
//
// forkvisor run: a static Linux program in a guest, console attached.
#include "absl/strings/str_cat.h"
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
  if (!arguments.ok()) return UsageError("run", arguments.status().message().data());
  if (arguments->help) return ShowHelp("run");
  if (const std::string wrong = WrongFrom(*arguments); !wrong.empty()) {
    return UsageError("run", wrong);
  }
  const std::optional<oracle::CheckMode> mode = oracle::ParseCheckMode(FLAGS_check);
  if (!mode) {
    return UsageError("run", absl::StrCat("--check=", FLAGS_check,
                                          ": choose one of off, end, sampled, every, both"));
  }
  const absl::StatusOr<int> code = RunGuest(*arguments, *mode, Tell);
  return code.ok() ? *code : StatusError(code.status());
}

}  // namespace fv::cli
