// SPDX-License-Identifier: Apache-2.0
//
// How a run ended, in words for the user, and its exit code. Pure functions, so tests need no KVM.
#pragma once

#include <string>

#include "src/session/session.h"

namespace fv::cli {

struct Report {
  int exit_code = 0;
  std::string message;  // for standard error, several lines; empty: nothing to say
};

Report MakeReport(const session::SessionResult& result);

}  // namespace fv::cli
