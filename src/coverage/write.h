// SPDX-License-Identifier: Apache-2.0
//
// A report as files: lcov's tracefile (geninfo(1)), which genhtml and editors read, and HTML pages
// that need nothing else.
#pragma once

#include <map>
#include <string>

#include "absl/status/status.h"
#include "src/coverage/report.h"

namespace fv::coverage {

std::string LcovText(const Report& report);

// Name of the file -> content: index.html, and a page for each source file. Source lines are read
// below `source`; a file that is not there gets a page with numbers only.
std::map<std::string, std::string> HtmlPages(const Report& report, const std::string& source);

// `path` is a file that ends in .lcov or .info, or a directory, which gets coverage.lcov and the
// pages; it is made if it is not there.
absl::Status WriteReport(const Report& report, const std::string& path, const std::string& source);

}  // namespace fv::coverage
