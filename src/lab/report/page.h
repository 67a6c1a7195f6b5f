// SPDX-License-Identifier: Apache-2.0
//
// An experiment as one HTML page that needs nothing else: no network, no fonts, no scripts but
// three lines that open the tables for printing. For light and dark screens, and paper.
#pragma once

#include <string>

#include "src/lab/results.h"

namespace fv::lab::report {

std::string Page(const LabResults& results);

}  // namespace fv::lab::report
