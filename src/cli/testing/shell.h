// SPDX-License-Identifier: Apache-2.0
//
// Shell scripts around the command, for its tests.
#pragma once

#include <string>

namespace fv::cli::testing {

struct Outcome {
  int status = -1;   // exit code, or 128 + signal
  std::string text;  // standard output; what else the script sends there

  bool Has(const std::string& part) const { return text.find(part) != std::string::npos; }
};

// Runs `script` by sh(1) to its end.
Outcome RunShell(const std::string& script);

}  // namespace fv::cli::testing
