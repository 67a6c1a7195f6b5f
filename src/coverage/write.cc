// SPDX-License-Identifier: Apache-2.0
//
// See write.h.
#include "src/coverage/write.h"

#include <cerrno>
#include <filesystem>
#include <fstream>
#include <string_view>

namespace fv::coverage {
namespace {

absl::Status WriteFile(const std::string& path, std::string_view content) {
  std::ofstream out(path, std::ios::binary | std::ios::trunc);
  out.write(content.data(), static_cast<std::streamsize>(content.size()));
  out.close();
  return out ? absl::OkStatus() : absl::ErrnoToStatus(errno, path);
}

}  // namespace

absl::Status WriteReport(const Report& report, const std::string& path, const std::string& source) {
  const std::string_view name = path;
  if (name.ends_with(".lcov") || name.ends_with(".info")) {
    return WriteFile(path, LcovText(report));
  }
  std::error_code error;
  std::filesystem::create_directories(path, error);
  if (error) return absl::ErrnoToStatus(error.value(), path);
  absl::Status status = WriteFile(path + "/coverage.lcov", LcovText(report));
  for (const auto& [page, content] : HtmlPages(report, source)) {
    status.Update(WriteFile(path + "/" + page, content));
  }
  return status;
}

}  // namespace fv::coverage
