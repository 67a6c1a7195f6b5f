// SPDX-License-Identifier: Apache-2.0
//
// forkvisor check: a program under the oracle at every safepoint, and a summary.
#include <cstdio>
#include <iterator>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "src/cli/exit_codes.h"
#include "src/cli/flags.h"
#include "src/cli/guest_run.h"
#include "src/cli/verbs.h"
#include "src/oracle/finding.h"

namespace fv::cli {
namespace {

std::string SafepointLine(const session::OracleObserver& oracle) {
  static constexpr const char* kNames[] = {"boot", "system calls", "faults", "exits", "final"};
  static_assert(std::size(kNames) == session::OracleObserver::kKinds);
  std::string text;
  for (size_t kind = 0; kind < session::OracleObserver::kKinds; ++kind) {
    absl::StrAppend(&text, kind == 0 ? "" : ", ", kNames[kind], " ", oracle.by_kind()[kind]);
  }
  return text;
}

void PrintSummary(const GuestRunResult& result) {
  const session::OracleObserver& oracle = *result.oracle;
  const oracle::CheckerStats& stats = oracle.stats();
  const double later = static_cast<double>(stats.nanoseconds - stats.first_ns);
  const double mean = stats.checked > 1 ? later / static_cast<double>(stats.checked - 1) : 0;
  std::fputs(
      absl::StrFormat("safepoints checked  %d of %d (%s)\n"
                      "events              %d\n"
                      "entries walked      %d\n"
                      "time in the oracle  %.1f ms: first check %.1f us, then %.1f us on "
                      "average, %.1f us at most\n"
                      "median check        %.1f us after a fault, %.1f us after a system call\n",
                      stats.checked, stats.safepoints, SafepointLine(oracle), result.session.events,
                      stats.walked_ptes, static_cast<double>(stats.nanoseconds) / 1e6,
                      static_cast<double>(stats.first_ns) / 1e3, mean / 1e3,
                      static_cast<double>(stats.longest_ns) / 1e3,
                      static_cast<double>(stats.MedianNs(proto::SafepointKind::kFault)) / 1e3,
                      static_cast<double>(stats.MedianNs(proto::SafepointKind::kSyscall)) / 1e3)
          .c_str(),
      stderr);
  for (unsigned invariant = 1; invariant <= oracle::kInvariants; ++invariant) {
    const bool broken = (oracle.broken_invariants() >> invariant & 1) != 0;
    std::fputs(absl::StrFormat("I%-2d %-7s %s\n", invariant, broken ? "BROKEN" : "held",
                               oracle::InvariantTitle(invariant))
                   .c_str(),
               stderr);
  }
}

}  // namespace

int CheckVerb(const Words& args) {
  if (WantsMutants(args)) return CheckMutantsVerb(args);
  std::vector<std::string_view> allowed = GuestFlags();
  allowed.push_back("gdb");
  for (const std::string_view flag : FromFlags()) allowed.push_back(flag);
  absl::StatusOr<Arguments> arguments = ParseArguments(args, allowed);
  if (!arguments.ok()) return UsageError("check", arguments.status());
  if (arguments->help) return ShowHelp("check");
  if (const absl::Status wrong = CheckFrom(*arguments); !wrong.ok()) {
    return UsageError("check", wrong);
  }
  const absl::StatusOr<int> code =
      RunGuest(*arguments, oracle::CheckMode::kEvery, [](const GuestRunResult& result) {
        const int exit_code = Tell(result);
        PrintSummary(result);
        return exit_code;
      });
  return code.ok() ? *code : StatusError(code.status());
}

}  // namespace fv::cli
