// SPDX-License-Identifier: Apache-2.0
#include "src/fuzz/judge.h"

#include <cctype>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "src/fuzz/compare.h"
#include "src/fuzz/kernel_place.h"
#include "src/fuzz/text.h"

namespace fv::fuzz {
namespace {

using session::SessionEnd;

constexpr char kOracle[] = "oracle";
// Further native runs that a difference takes: what one run in four does otherwise is then told
// from chance in 199 cases of 200.
constexpr int kConfirmations = 19;

// Numbers differ from run to run: "pfn 0x12 has 3" is "pfn # has #".
std::string WithoutNumbers(std::string_view text) {
  std::string out;
  for (size_t i = 0; i < text.size();) {
    const bool inside = !out.empty() && std::isalpha(static_cast<unsigned char>(out.back())) != 0;
    if (inside || std::isdigit(static_cast<unsigned char>(text[i])) == 0) {
      out += text[i++];
      continue;
    }
    while (i < text.size() && std::isxdigit(static_cast<unsigned char>(text[i])) != 0) ++i;
    if (i < text.size() && text[i] == 'x') {
      for (++i; i < text.size() && std::isxdigit(static_cast<unsigned char>(text[i])) != 0;) ++i;
    }
    out += '#';
  }
  return out;
}

std::string FirstLine(const std::string& text) { return text.substr(0, text.find('\n')); }

// "I2 FrameRefs": the invariant and the rule of the oracle's text.
std::string RuleOf(const std::string& text) {
  constexpr std::string_view kRule = "  rule     ";
  const size_t rule = text.find(kRule);
  std::string number = text.substr(0, text.find(' '));
  if (rule == std::string::npos) return number;
  const size_t from = rule + kRule.size();
  return number + " " + text.substr(from, text.find(':', from) - from);
}

std::optional<Finding> OfGuest(const GuestRun& run) {
  if (!run.inexact_reset.empty()) {
    return Finding{"reset", WithoutNumbers(run.inexact_reset.front()),
                   absl::StrJoin(run.inexact_reset, "\n") + "\n"};
  }
  if (!run.findings.empty()) {
    std::string detail;
    for (const std::string& finding : run.findings) detail += finding;
    return Finding{kOracle, RuleOf(run.findings.front()), detail};
  }
  const std::string place = WithoutNumbers(FirstLine(run.message));
  switch (run.end) {
    case SessionEnd::kExited:
      break;
    case SessionEnd::kPanic:
      if (run.sanitizer) {
        return Finding{run.sanitizer->tool, run.sanitizer->place,
                       absl::StrCat(run.sanitizer->text, "\n", run.message)};
      }
      return Finding{"panic", place, run.message};
    case SessionEnd::kSpin:
    case SessionEnd::kTimeout:
      return Finding{"hang", place, run.message};
    default:
      return Finding{"guest-error", place, run.message};
  }
  if (!run.results) return Finding{"executor", place, run.message};
  return std::nullopt;
}

std::string DifferencesText(const Program& program, const std::vector<StepDifference>& all) {
  std::string text;
  for (const StepDifference& one : all) {
    const auto& steps = program.tasks[one.task].steps;
    absl::StrAppend(&text, "[task ", one.task, "] ",
                    one.step < steps.size() ? StepText(steps[one.step]) : one.call, "\n  natively ",
                    one.a, "\n  guest    ", one.b, "\n");
  }
  return text;
}

}  // namespace

absl::StatusOr<std::unique_ptr<Judge>> Judge::Make(const JudgeOptions& options) {
  absl::StatusOr<std::unique_ptr<GuestRunner>> guest = GuestRunner::Make(options.guest);
  if (!guest.ok()) return guest.status();
  std::unique_ptr<NativeRunner> native;
  if (options.differential) {
    absl::StatusOr<std::unique_ptr<NativeRunner>> made =
        NativeRunner::Make(options.guest.executor, options.native_user);
    if (!made.ok()) return made.status();
    native = *std::move(made);
  }
  return std::unique_ptr<Judge>(new Judge(options.guest, *std::move(guest), std::move(native)));
}

absl::StatusOr<Verdict> Judge::Try(const Program& program, RunObserver* observer) {
  Verdict verdict{.finding = {}, .run = guest_->Run(program, observer), .native = {}};
  if (verdict.run.end == SessionEnd::kSignal) return absl::CancelledError("a signal ended the run");
  verdict.finding = OfGuest(verdict.run);
  if (verdict.finding && verdict.finding->kind == "panic") {
    AddPlace(verdict.run, *verdict.finding);
  }
  if (verdict.finding && verdict.finding->kind == kOracle) {
    const absl::Status status = LookCloser(program, *verdict.finding);
    if (!status.ok()) return status;
  }
  if (!verdict.finding && native_ != nullptr && IsComparable(program)) {
    const absl::Status status = Compare(program, verdict);
    if (!status.ok()) return status;
  }
  return verdict;
}

void Judge::AddPlace(const GuestRun& run, Finding& finding) {
  const std::vector<std::string> names =
      PlaceOfPanic(guest_->machine().memory(), symbols_, run.message, run.message);
  if (names.empty()) return;
  absl::StrAppend(&finding.place, " in ", names.front());
  finding.detail = absl::StrCat("in ", absl::StrJoin(names, " < "), "\n", finding.detail);
}

absl::Status Judge::LookCloser(const Program& program, Finding& finding) {
  if (closer_ == nullptr) {
    GuestRunOptions options = options_;
    options.check = oracle::CheckMode::kEvery;
    options.event_mask = LastStep::Events();
    options.reset = ResetKind::kSnapshot;
    options.from.clear();  // a snapshot in a file has no story of the boot
    absl::StatusOr<std::unique_ptr<GuestRunner>> closer = GuestRunner::Make(options);
    if (!closer.ok()) return closer.status();
    closer_ = *std::move(closer);
    absl::StatusOr<coverage::LineTable> lines = coverage::ReadLineTable(options_.kernel_image);
    if (lines.ok()) lines_ = *std::move(lines);
  }
  LastStep step;
  const GuestRun run = closer_->Run(program, &step);
  if (run.end == SessionEnd::kSignal) return absl::CancelledError("a signal ended the run");
  std::optional<Finding> again = OfGuest(run);
  // What only a full walk at the end finds has no place.
  if (!again || again->kind != kOracle) return absl::OkStatus();
  const ChangePlace place = PlaceOfChange(step, sites_, closer_->machine().memory(), symbols_,
                                          lines_ ? &*lines_ : nullptr);
  finding = *std::move(again);
  if (!place.name.empty()) absl::StrAppend(&finding.place, " ", place.name);
  finding.detail = absl::StrCat(place.detail, finding.detail);
  return absl::OkStatus();
}

// What Linux does; a busy machine gets more time. Unavailable...: the host failed.
absl::StatusOr<Results> Judge::RunNatively(const Program& program) {
  absl::StatusOr<Results> results = native_->Run(program);
  if (!results.ok() || results->cut != FV_FUZZ_OVERTIME) return results;
  return native_->Run(program, NativeRunner::kPatientLimitMs);
}

absl::Status Judge::Compare(const Program& program, Verdict& verdict) {
  absl::StatusOr<Results> native = RunNatively(program);
  if (!native.ok()) return native.status();
  verdict.native = *native;
  if (native->cut == FV_FUZZ_OVERTIME) return absl::OkStatus();
  const auto differences = CompareResults(program, *native, *verdict.run.results);
  if (differences.empty()) return absl::OkStatus();
  // What Linux itself does now so, now so, is chance.
  for (int run = 0; run < kConfirmations; ++run) {
    const absl::StatusOr<Results> again = RunNatively(program);
    if (!again.ok()) return again.status();
    if (again->cut == FV_FUZZ_OVERTIME || !CompareResults(program, *native, *again).empty()) {
      return absl::OkStatus();
    }
  }
  const StepDifference& first = differences.front();
  verdict.finding = Finding{
      "difference",
      absl::StrCat(first.call, ": ", WithoutNumbers(first.a), " or ", WithoutNumbers(first.b)),
      DifferencesText(program, differences)};
  return absl::OkStatus();
}

}  // namespace fv::fuzz
