// SPDX-License-Identifier: Apache-2.0
//
// See write.h.
#include "src/coverage/write.h"

#include <filesystem>
#include <string_view>

#include "absl/strings/str_cat.h"
#include "vmm/whole_file.h"

namespace fv::coverage {

absl::Status WriteReport(const Report& report, const std::string& path, const std::string& source) {
  const std::string_view name = path;
  if (name.ends_with(".lcov") || name.ends_with(".info")) {
    return vmm::WriteWholeFile(path, LcovText(report));
  }
  std::error_code error;
  std::filesystem::create_directories(path, error);
  if (error) return absl::InternalError(path + ": " + error.message());
  absl::Status status = vmm::WriteWholeFile(path + "/coverage.lcov", LcovText(report));
  for (const auto& [page, content] : HtmlPages(report, source)) {
    status.Update(vmm::WriteWholeFile(absl::StrCat(path, "/", page), content));
  }
  return status;
}

}  // namespace fv::coverage
