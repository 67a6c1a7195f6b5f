// SPDX-License-Identifier: Apache-2.0
//
// Comparisons as a table for people and as JSON.
#include <nlohmann/json.hpp>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "src/bench/results.h"
#include "src/bench/table.h"
#include "src/lab/compare.h"

namespace fv::lab {
namespace {

using Json = nlohmann::ordered_json;

void ListNames(const char* title, const std::vector<std::string>& names, std::string& text) {
  if (names.empty()) return;
  absl::StrAppend(&text, "\n", title, "\n");
  for (const std::string& name : names) absl::StrAppend(&text, "  ", name, "\n");
}

}  // namespace

std::string FormatComparisons(const Comparisons& comparisons) {
  bench::Table table({"what", "before", "after", "ratio", "95 % interval", "p", ""});
  unsigned slower = 0;
  unsigned faster = 0;
  for (const Comparison& cell : comparisons.cells) {
    slower += cell.verdict == Verdict::kSlower;
    faster += cell.verdict == Verdict::kFaster;
    table.Add({cell.name, bench::FormatTime(cell.before_ns), bench::FormatTime(cell.after_ns),
               absl::StrFormat("%.3f", cell.ratio.value),
               absl::StrFormat("%.3f .. %.3f", cell.ratio.low, cell.ratio.high),
               absl::StrFormat("%.2g", cell.p), VerdictName(cell.verdict)});
  }
  std::string text = table.Text();
  ListNames("Only in the first:", comparisons.only_before, text);
  ListNames("Only in the second:", comparisons.only_after, text);
  absl::StrAppendFormat(&text,
                        "\n%d compared, %d slower, %d faster, by more than %.3g %% (p below %.2g "
                        "over all tests)\n",
                        comparisons.cells.size(), slower, faster, comparisons.options.bound * 100,
                        comparisons.options.significance);
  return text;
}

std::string FormatComparisonsJson(const Comparisons& comparisons) {
  Json cells = Json::array();
  for (const Comparison& cell : comparisons.cells) {
    cells.push_back({{"name", cell.name},
                     {"before_ns", cell.before_ns},
                     {"after_ns", cell.after_ns},
                     {"ratio", cell.ratio.value},
                     {"ratio_low", cell.ratio.low},
                     {"ratio_high", cell.ratio.high},
                     {"p", cell.p},
                     {"verdict", VerdictName(cell.verdict)}});
  }
  const Json whole = {
      {"bound", comparisons.options.bound},     {"significance", comparisons.options.significance},
      {"regressed", comparisons.Regressed()},   {"cells", cells},
      {"only_before", comparisons.only_before}, {"only_after", comparisons.only_after}};
  return whole.dump(1) + "\n";
}

}  // namespace fv::lab
