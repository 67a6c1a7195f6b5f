// SPDX-License-Identifier: Apache-2.0
//
// forkvisor compare: two results of forkvisor bench.
#include "src/lab/compare.h"

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "src/cli/choice.h"
#include "src/cli/exit_codes.h"
#include "src/cli/flags.h"
#include "src/cli/output.h"
#include "src/cli/verbs.h"
#include "src/lab/report/comparison_page.h"
#include "src/rootfs/host_files.h"

DECLARE_string(format);
DECLARE_string(out);
DECLARE_string(report);
DEFINE_string(bound, "5%", "a ratio above 1 + this is a regression");

namespace fv::cli {
namespace {

using Formatter = std::string (*)(const lab::Comparisons&);
constexpr Choice<Formatter> kFormats[] = {{"console", &lab::FormatComparisons},
                                          {"json", &lab::FormatComparisonsJson}};

// "5%" or "0.05".
absl::StatusOr<double> ParseBound() {
  std::string number = FLAGS_bound;
  const bool percent = !number.empty() && number.back() == '%';
  if (percent) number.pop_back();
  double bound = 0;
  if (absl::SimpleAtod(number, &bound) && bound >= 0 && bound < 1e6) {
    return percent ? bound / 100 : bound;
  }
  return absl::InvalidArgumentError(
      absl::StrCat("--bound=", FLAGS_bound, " is no share: write 5% or 0.05"));
}

absl::StatusOr<lab::report::ComparedResult> ReadResult(const std::string& file) {
  absl::StatusOr<std::string> text = rootfs::ReadHostFile(file);
  if (!text.ok()) return text.status();
  absl::StatusOr<std::vector<lab::Measured>> measured = lab::ReadMeasured(*text);
  absl::Status status = measured.status();
  if (status.ok()) {
    absl::StatusOr<lab::Origin> origin = lab::ReadOrigin(*text);
    if (origin.ok()) return lab::report::ComparedResult{file, *origin, *std::move(measured)};
    status = origin.status();
  }
  return absl::InvalidArgumentError(absl::StrCat(file, ": ", status.message()));
}

}  // namespace

int CompareVerb(const Words& args) {
  absl::StatusOr<Arguments> arguments =
      ParseFlagsAnywhere(args, {"bound", "format", "out", "report"});
  if (!arguments.ok()) return UsageError("compare", arguments.status());
  if (arguments->help) return ShowHelp("compare");
  if (arguments->words.size() != 2) return UsageError("compare", "compare takes two files");
  const absl::StatusOr<Formatter> format = Choose("format", FLAGS_format, kFormats);
  if (!format.ok()) return StatusError(format.status());
  lab::CompareOptions options;
  absl::StatusOr<double> bound = ParseBound();
  if (!bound.ok()) return StatusError(bound.status());
  options.bound = *bound;
  absl::StatusOr<lab::report::ComparedResult> before = ReadResult(arguments->words[0]);
  if (!before.ok()) return StatusError(before.status());
  absl::StatusOr<lab::report::ComparedResult> after = ReadResult(arguments->words[1]);
  if (!after.ok()) return StatusError(after.status());
  const lab::Comparisons comparisons = lab::Compare(before->rows, after->rows, options);
  if (comparisons.cells.empty()) {
    return UsageError("compare", "the two results have nothing in common");
  }
  if (!FLAGS_report.empty()) {
    const int wrote =
        WriteOut(lab::report::ComparisonPage(*before, *after, comparisons), FLAGS_report);
    if (wrote != kExitOk) return wrote;
  }
  const int wrote = WriteOut((*format)(comparisons), FLAGS_out);
  if (wrote != kExitOk) return wrote;
  return comparisons.Regressed() ? kExitFinding : kExitOk;
}

}  // namespace fv::cli
