// SPDX-License-Identifier: Apache-2.0
#include "src/diff/compare_outcomes.h"

#include <sys/wait.h>

#include <algorithm>
#include <string_view>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "src/trace/names.h"

namespace fv::diff {
namespace {

// Of a line that is shown, in bytes.
constexpr size_t kShown = 160;

// The line of `text` that begins at `start`, printable; "(end)" if there is none.
std::string LineText(std::string_view text, size_t start) {
  if (start >= text.size()) return "(end)";
  std::string_view line = text.substr(start);
  const size_t newline = line.find('\n');
  const bool whole = newline != std::string_view::npos;
  line = line.substr(0, whole ? newline + 1 : line.size());
  const bool cut = line.size() > kShown;
  line = line.substr(0, kShown);
  return absl::StrCat("\"", absl::CEscape({line.data(), line.size()}), cut ? "\"..." : "\"");
}

void CompareStream(const std::string& name, const native::Output& native,
                   const native::Output& guest, std::vector<OutcomeDifference>& differences) {
  if (native == guest) return;
  const std::string& a = native.bytes;
  const std::string& b = guest.bytes;
  const auto first = std::mismatch(a.begin(), a.end(), b.begin(), b.end()).first;
  if (first == a.end() && a.size() == b.size()) {
    differences.push_back({absl::StrCat("length of ", name), absl::StrCat(native.total, " bytes"),
                           absl::StrCat(guest.total, " bytes")});
    return;
  }
  const std::string_view before(a.data(), static_cast<size_t>(first - a.begin()));
  const auto line = std::count(before.begin(), before.end(), '\n') + 1;
  const size_t newline = before.rfind('\n');
  const size_t start = newline == std::string_view::npos ? 0 : newline + 1;
  differences.push_back(
      {absl::StrCat(name, ", line ", line), LineText(a, start), LineText(b, start)});
}

}  // namespace

std::string EndText(const Outcome& outcome) {
  if (outcome.timed_out) return "no end in time";
  const int status = outcome.wait_status;
  if (!WIFSIGNALED(status)) return absl::StrCat("exit ", WEXITSTATUS(status));
  return absl::StrCat("killed by ", trace::SignalName(static_cast<uint64_t>(WTERMSIG(status))),
                      WCOREDUMP(status) ? ", core dumped" : "");
}

std::vector<OutcomeDifference> CompareOutcomes(const Outcome& native, const Outcome& guest) {
  std::vector<OutcomeDifference> differences;
  CompareStream("standard output", native.out, guest.out, differences);
  CompareStream("standard error", native.err, guest.err, differences);
  if (EndText(native) != EndText(guest)) {
    differences.push_back({"exit status", EndText(native), EndText(guest)});
  }
  return differences;
}

}  // namespace fv::diff
