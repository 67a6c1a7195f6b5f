// SPDX-License-Identifier: Apache-2.0
//
// The tracefile: geninfo(1), FILES.
#include "absl/strings/str_cat.h"
#include "src/coverage/write.h"

namespace fv::coverage {
namespace {

void AddFunctions(std::string& text, const FileReport& file) {
  uint64_t reached = 0;
  for (const Function& function : file.functions) {
    absl::StrAppend(&text, "FN:", function.line, ",", function.name, "\n");
    reached += function.hits != 0 ? 1 : 0;
  }
  for (const Function& function : file.functions) {
    absl::StrAppend(&text, "FNDA:", function.hits, ",", function.name, "\n");
  }
  absl::StrAppend(&text, "FNF:", file.functions.size(), "\nFNH:", reached, "\n");
}

}  // namespace

std::string LcovText(const Report& report) {
  std::string text = "TN:\n";
  for (const auto& [path, file] : report.files) {
    absl::StrAppend(&text, "SF:", path, "\n");
    AddFunctions(text, file);
    for (const auto& [line, hits] : file.lines) {
      absl::StrAppend(&text, "DA:", line, ",", hits, "\n");
    }
    const Share lines = LinesOf(file);
    absl::StrAppend(&text, "LF:", lines.all, "\nLH:", lines.reached, "\nend_of_record\n");
  }
  return text;
}

}  // namespace fv::coverage
