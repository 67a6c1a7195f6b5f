// SPDX-License-Identifier: Apache-2.0
//
// Words for the ends of a run.
#include "src/cli/report.h"

#include <cstring>
#include <string_view>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "src/cli/exit_codes.h"
#include "src/trace/names.h"

namespace fv::cli {
namespace {

using session::SessionEnd;
using session::SessionResult;

// The last lines of the kernel's log that a report of a failed guest carries.
constexpr size_t kLogLines = 12;

std::string MissingSyscalls(const SessionResult& result) {
  if (result.missing_syscalls.empty()) return "";
  std::string text = "the program used system calls that the guest kernel does not have:";
  for (const auto& [number, times] : result.missing_syscalls) {
    absl::StrAppend(&text, "\n  ", trace::SyscallName(number), " (", number, "), ", times,
                    times == 1 ? " time" : " times");
  }
  return text;
}

// What the kernel says when the first program cannot be started, the error's number as a name; its
// status is then a shell's, 126 or 127.
std::string Refusal(const SessionResult& result, int status) {
  if ((status != 126 && status != 127) || result.kernel_log.empty()) return "";
  const std::string& last = result.kernel_log.back();
  if (!last.starts_with("cannot run ")) return "";
  constexpr std::string_view kNumberFollows = ": error ";
  const size_t words = last.rfind(kNumberFollows);
  int error = 0;
  if (words == std::string::npos ||
      !absl::SimpleAtoi(last.substr(words + kNumberFollows.size()), &error)) {
    return absl::StrCat("the guest kernel: ", last);
  }
  return absl::StrCat("the guest kernel: ", last.substr(0, words), ": ", trace::ErrorName(error),
                      " (", std::strerror(error), ")");
}

std::string GuestFailure(const SessionResult& result, const std::string& what) {
  std::string text = absl::StrCat(what, result.message.empty() ? "" : ": ", result.message);
  if (!result.registers.empty()) absl::StrAppend(&text, "\n", result.registers);
  const size_t lines = result.kernel_log.size();
  if (lines > 0) absl::StrAppend(&text, "\nlast lines of the kernel's log:");
  for (size_t i = lines > kLogLines ? lines - kLogLines : 0; i < lines; ++i) {
    absl::StrAppend(&text, "\n  ", result.kernel_log[i]);
  }
  return text;
}

}  // namespace

Report MakeReport(const SessionResult& result) {
  switch (result.end) {
    case SessionEnd::kExited: {
      const int status = session::ShellStatus(result.wait_status);
      if (const std::string refusal = Refusal(result, status); !refusal.empty()) {
        return {status, refusal};
      }
      return {status, status == 0 ? "" : MissingSyscalls(result)};
    }
    case SessionEnd::kPanic:
      return {kExitGuestFailure, GuestFailure(result, "the guest kernel panicked")};
    case SessionEnd::kGuestError:
      return {kExitGuestFailure, GuestFailure(result, "the guest failed")};
    case SessionEnd::kSpin:
      return {kExitGuestFailure, GuestFailure(result, "the guest kernel does not answer")};
    case SessionEnd::kTimeout:
      return {kExitTimeout, GuestFailure(result, "the run took longer than --timeout allows")};
    case SessionEnd::kOutputClosed:
      return {ExitBySignal(SIGPIPE), ""};
    case SessionEnd::kOutputFailed:
      return {kExitHostFailure, result.message};
    case SessionEnd::kSignal:
      return {ExitBySignal(result.signal_number), ""};
    case SessionEnd::kObserverStopped:
      return {kExitFinding, result.message};
  }
  return {kExitGuestFailure, "unknown end"};
}

}  // namespace fv::cli
