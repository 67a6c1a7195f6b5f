// SPDX-License-Identifier: Apache-2.0
//
// An experiment as one HTML page.
#pragma once

#include <string>

#include "src/lab/results.h"

namespace fv::lab::report {

std::string Page(const LabResults& results);

}  // namespace fv::lab::report
