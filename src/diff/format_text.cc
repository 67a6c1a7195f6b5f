// SPDX-License-Identifier: Apache-2.0
//
// Two columns, natively on the left; a mark in front says what a line is.
#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "src/diff/format.h"

namespace fv::diff {
namespace {

constexpr size_t kMinColumn = 24;
constexpr size_t kMaxColumn = 72;

std::string Cut(const std::string& text, size_t width) {
  return text.size() <= width ? text : absl::StrCat(text.substr(0, width - 3), "...");
}

char Mark(Verdict verdict) {
  switch (verdict) {
    case Verdict::kEqual:
      return ' ';
    case Verdict::kSkipped:
      return '~';
    default:
      return '>';
  }
}

std::string What(const CallDifference& difference) {
  switch (difference.verdict) {
    case Verdict::kCall:
      return "another call";
    case Verdict::kMissing:
      return "one side has ended";
    default:
      return "another result";
  }
}

std::string DifferenceText(const CallDifference& difference) {
  size_t width = kMinColumn;
  for (const CallRow& row : difference.rows) {
    // A result must not be cut off.
    width = std::max(width, std::min(row.native.size(), kMaxColumn));
  }
  width = std::max(width, difference.rows.back().native.size());
  std::string text = absl::StrFormat("task %s (pid %d, in the guest %d), call %d: %s\n",
                                     difference.task, difference.native_pid, difference.guest_pid,
                                     difference.call, What(difference));
  const auto line = [&](char mark, const std::string& native, const std::string& guest) {
    absl::StrAppend(&text, absl::StrFormat("%c %-*s | %s\n", mark, static_cast<int>(width),
                                           Cut(native, width), guest));
  };
  line(' ', "natively", "in the guest");
  for (const CallRow& row : difference.rows) line(Mark(row.verdict), row.native, row.guest);
  return text;
}

}  // namespace

const char* VerdictName(Verdict verdict) {
  switch (verdict) {
    case Verdict::kEqual:
      return "equal";
    case Verdict::kSkipped:
      return "skipped";
    case Verdict::kResult:
      return "result";
    case Verdict::kCall:
      return "call";
    case Verdict::kMissing:
      return "missing";
  }
  return "unknown";
}

std::string FormatText(const DiffResult& result) {
  std::string text;
  for (const OutcomeDifference& difference : result.outcome_differences) {
    absl::StrAppend(&text, difference.what, "\n  natively      ", difference.native,
                    "\n  in the guest  ", difference.guest, "\n");
  }
  for (const CallDifference& difference : result.calls.differences) {
    absl::StrAppend(&text, DifferenceText(difference));
  }
  if (result.calls.more) absl::StrAppend(&text, "and more\n");
  absl::StrAppend(&text, result.Equal() ? "equal" : "different", ": ", EndText(result.native));
  if (EndText(result.native) != EndText(result.guest)) {
    absl::StrAppend(&text, " (in the guest ", EndText(result.guest), ")");
  }
  absl::StrAppend(&text, ", ", result.native.out.total, " bytes of output");
  if (result.calls.tasks > 0) {
    absl::StrAppend(&text, ", ", result.calls.calls, " system calls of ", result.calls.tasks,
                    result.calls.tasks == 1 ? " task" : " tasks");
  }
  absl::StrAppend(&text, "\n");
  return text;
}

}  // namespace fv::diff
