// SPDX-License-Identifier: Apache-2.0
//
// Words for the ends of a run.
#include "src/cli/report.h"

#include <sys/wait.h>

#include <csignal>
#include <cstring>
#include <iterator>
#include <string_view>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "src/cli/exit_codes.h"
#include "src/trace/names.h"

namespace fv::cli {
namespace {

using session::SessionEnd;
using session::SessionResult;

// The last lines of the kernel's log that a report of a failed guest carries.
constexpr size_t kLogLines = 12;
// Pid 1 is the kernel's init.
constexpr int kFirstProgram = 2;

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

// "pid 2 was killed by SIGSEGV (Segmentation fault)", and for a fault where: the guest kernel says
// that in its log. Empty for signals of which a shell says nothing either: those of a user's keys
// and of a reader who left.
std::string Death(const SessionResult& result) {
  if (!WIFSIGNALED(result.wait_status)) return "";
  const int number = WTERMSIG(result.wait_status);
  if (number == SIGINT || number == SIGQUIT || number == SIGPIPE) return "";
  std::string text =
      absl::StrCat("pid ", kFirstProgram, " was killed by ",
                   trace::SignalName(static_cast<uint64_t>(number)), " (", strsignal(number), ")");
  const std::string words = absl::StrCat(" dies of signal ", number, ": ");
  for (auto line = result.kernel_log.rbegin(); line != result.kernel_log.rend(); ++line) {
    const size_t at = line->find(words);
    if (at == std::string::npos) continue;
    absl::StrAppend(&text, ": ", line->substr(0, at), ", ", line->substr(at + words.size()));
    break;
  }
  return text;
}

std::string LackOfMemory(const SessionResult& result) {
  for (const std::string& line : result.kernel_log) {
    if (line.find("ut of memory: ") == std::string::npos) continue;
    return "the guest's memory ran out, and its kernel killed a process: --mem=SIZE gives it more";
  }
  return "";
}

// Why a program may have failed that ended by itself.
std::string Troubles(const SessionResult& result) {
  std::vector<std::string> troubles = {Death(result), LackOfMemory(result),
                                       MissingSyscalls(result)};
  std::erase(troubles, "");
  return absl::StrJoin(troubles, "\n");
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
      return {status, status == 0 ? "" : Troubles(result)};
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

std::vector<std::string> ShownFindings(const std::vector<std::string>& findings, size_t most) {
  if (findings.size() <= most) return findings;
  std::vector<std::string> shown(findings.begin(), findings.begin() + static_cast<ptrdiff_t>(most));
  shown.back() = absl::StrCat(findings.size() - most,
                              " more findings of this step are not shown: -v shows them, and "
                              "--record=FILE keeps them");
  shown.push_back(findings.back());
  return shown;
}

}  // namespace fv::cli
