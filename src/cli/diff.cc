// SPDX-License-Identifier: Apache-2.0
//
// forkvisor diff: a program natively and in a guest, compared.
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <optional>
#include <set>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "src/cli/choice.h"
#include "src/cli/exit_codes.h"
#include "src/cli/flags.h"
#include "src/cli/guest_run.h"
#include "src/cli/report.h"
#include "src/cli/verbs.h"
#include "src/diff/differ.h"
#include "src/diff/format.h"
#include "src/trace/names.h"

DECLARE_string(format);

DEFINE_bool(syscalls, false, "compare the results of system calls too");
DEFINE_string(ignore, "", "system calls that are not compared, a list");
DEFINE_uint64(differences, 10, "differences of system calls that are shown");
DEFINE_uint64(context, 5, "calls that are shown before a difference");
DEFINE_string(native_root, "auto", "natively: auto, private or host");

namespace fv::cli {
namespace {

using native::NativeOptions;

constexpr Choice<diff::NativeRoot> kRoots[] = {{"auto", diff::NativeRoot::kAuto},
                                               {"private", diff::NativeRoot::kPrivate},
                                               {"host", diff::NativeRoot::kHost}};

using Formatter = std::string (*)(const diff::DiffResult&);
constexpr Choice<Formatter> kFormats[] = {{"console", &diff::FormatText},
                                          {"json", &diff::FormatJson}};

std::vector<std::string_view> DiffFlags() {
  std::vector<std::string_view> flags = GuestFlags();
  // What has no counterpart on the native side.
  std::erase_if(flags, [](std::string_view flag) {
    return flag.starts_with("event") || flag.starts_with("record") || flag == "fail" ||
           flag == "vm" || flag == "trace";
  });
  flags.insert(flags.end(), {"check", "syscalls", "ignore", "differences", "context", "native_root",
                             "native_user", "format"});
  return flags;
}

absl::StatusOr<std::set<uint64_t>> IgnoredCalls() {
  std::set<uint64_t> numbers;
  for (absl::string_view name : absl::StrSplit(FLAGS_ignore, ',', absl::SkipEmpty())) {
    const trace::SyscallInfo* info = trace::FindSyscall({name.data(), name.size()});
    if (info == nullptr) {
      return absl::InvalidArgumentError(absl::StrCat("--ignore: no system call is called ", name));
    }
    numbers.insert(info->number);
  }
  return numbers;
}

// All of standard input; nothing of a terminal, whose user would wonder what is waited for.
absl::StatusOr<std::string> ReadInput() {
  std::string input;
  if (isatty(STDIN_FILENO)) return input;
  char bytes[65536];
  for (;;) {
    const ssize_t got = read(STDIN_FILENO, bytes, sizeof(bytes));
    if (got > 0) input.append(bytes, static_cast<size_t>(got));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0 && errno != EBADF) return absl::ErrnoToStatus(errno, "standard input");
    if (got <= 0) return input;
  }
}

absl::StatusOr<diff::DiffOptions> OptionsFromFlags(const Arguments& arguments) {
  diff::DiffOptions options;
  absl::StatusOr<session::GuestOptions> guest = GuestOptionsFromFlags(arguments);
  if (!guest.ok()) return guest.status();
  const absl::StatusOr<oracle::CheckMode> check = CheckModeFromFlags();
  if (!check.ok()) return check.status();
  absl::StatusOr<diff::NativeRoot> root = Choose("native_root", FLAGS_native_root, kRoots);
  if (!root.ok()) return root.status();
  absl::StatusOr<NativeOptions::User> user = NativeUserFromFlags();
  if (!user.ok()) return user.status();
  absl::StatusOr<std::set<uint64_t>> ignored = IgnoredCalls();
  if (!ignored.ok()) return ignored.status();
  absl::StatusOr<std::string> input = ReadInput();
  if (!input.ok()) return input.status();
  options.guest = *std::move(guest);
  options.timeout_ns = options.guest.timeout_ns;
  options.check = *check;
  options.native_root = *root;
  options.native_user = *user;
  options.calls = FLAGS_syscalls ? NativeOptions::Calls::kRecord : NativeOptions::Calls::kIgnore;
  options.trace = {.ignored = *std::move(ignored),
                   .context = FLAGS_context,
                   .max_differences = FLAGS_differences};
  options.input = *std::move(input);
  return options;
}

// What the host's own failures are worth; the user's faults are kExitUsage.
int ExitCodeOf(const absl::Status& status) {
  switch (status.code()) {
    case absl::StatusCode::kNotFound:
    case absl::StatusCode::kInvalidArgument:
    case absl::StatusCode::kFailedPrecondition:
      return kExitUsage;
    default:
      return kExitHostFailure;
  }
}

int TellResult(const diff::DiffResult& result, Formatter format) {
  for (const std::string& note : result.notes) Complain(note);
  if (!result.Compared()) {
    const Report report = MakeReport(result.session);
    if (!report.message.empty()) Complain(report.message);
    TellFindings(result.findings);
    return result.findings.empty() ? report.exit_code : kExitFinding;
  }
  const std::string text = format(result);
  std::fwrite(text.data(), 1, text.size(), stdout);
  if (result.native.timed_out && result.guest.timed_out) return kExitTimeout;
  return result.Equal() ? kExitOk : kExitFinding;
}

}  // namespace

int DiffVerb(const Words& args) {
  absl::StatusOr<Arguments> arguments = ParseArguments(args, DiffFlags());
  if (!arguments.ok()) return UsageError("diff", arguments.status());
  if (arguments->help) return ShowHelp("diff");
  if (arguments->words.empty()) return UsageError("diff", "which program?");
  absl::StatusOr<Formatter> format = Choose("format", FLAGS_format, kFormats);
  if (!format.ok()) return StatusError(format.status());
  absl::StatusOr<diff::DiffOptions> options = OptionsFromFlags(*arguments);
  if (!options.ok()) return StatusError(options.status());
  absl::StatusOr<diff::DiffResult> result = diff::RunDiff(*options);
  if (result.ok()) return TellResult(*result, *format);
  Complain(result.status());
  return ExitCodeOf(result.status());
}

}  // namespace fv::cli
