// SPDX-License-Identifier: Apache-2.0
//
// See coverage_output.h.
#include "src/cli/coverage_output.h"

#include <gflags/gflags.h>

#include "absl/strings/str_format.h"
#include "src/coverage/unreachable_table.h"
#include "src/coverage/write.h"

DEFINE_string(source, ".", "the guest kernel's source, for pages of coverage");

namespace fv::cli {

using coverage::Folders;
using coverage::LinesBelow;
using coverage::Report;

absl::StatusOr<Report> CoverageReport(std::span<const uint8_t> kernel,
                                      std::span<const uint64_t> hits) {
  const coverage::KernelBlocks blocks(kernel);
  if (blocks.size() == 0) {
    return absl::InvalidArgumentError("this guest kernel does not count its basic blocks");
  }
  absl::StatusOr<coverage::LineTable> lines = coverage::ReadLineTable(kernel);
  if (!lines.ok()) return lines.status();
  const std::span<const uint8_t> table = embedded::UnreachableTable();
  const coverage::LineSets unreachable =
      coverage::ParseLineTable({reinterpret_cast<const char*>(table.data()), table.size()});
  return coverage::MakeReport(blocks, *lines, inspect::KernelSymbols(kernel), hits, unreachable);
}

std::string CoverageText(const Report& report) {
  std::string text = absl::StrFormat("blocks    %s\n", report.blocks.Text());
  const char* label = "lines";
  for (const std::string& folder : Folders(report)) {
    absl::StrAppendFormat(&text, "%-9s %-16s %s\n", label, folder,
                          LinesBelow(report, folder).Text());
    label = "";
  }
  return text;
}

nlohmann::ordered_json CoverageJson(const Report& report) {
  nlohmann::ordered_json lines;
  for (const std::string& folder : Folders(report)) {
    const coverage::Share share = LinesBelow(report, folder);
    lines[folder] = {{"lines", share.all}, {"reached", share.reached}};
  }
  return {
      {"blocks", report.blocks.all}, {"blocks_reached", report.blocks.reached}, {"folders", lines}};
}

absl::Status WriteCoverage(const Report& report, const std::string& path) {
  return coverage::WriteReport(report, path, FLAGS_source);
}

}  // namespace fv::cli
