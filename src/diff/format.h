// SPDX-License-Identifier: Apache-2.0
//
// A comparison as text for people and as JSON for programs.
#pragma once

#include <string>

#include "src/diff/differ.h"

namespace fv::diff {

std::string FormatText(const DiffResult& result);
std::string FormatJson(const DiffResult& result);

// "result", "call"...: a verdict in one word.
const char* VerdictName(Verdict verdict);

}  // namespace fv::diff
