// SPDX-License-Identifier: Apache-2.0
//
// How a run ended, in words for the user, and its exit code. Pure functions, so tests need no KVM.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "src/session/session.h"

namespace fv::cli {

struct Report {
  int exit_code = 0;
  std::string message;  // for standard error, several lines; empty: nothing to say
};

Report MakeReport(const session::SessionResult& result);

// What is printed of a run's findings, about `most` of them: the first ones, how many there are
// besides, and the last one, which tells the events that led to them all.
std::vector<std::string> ShownFindings(const std::vector<std::string>& findings, size_t most);

}  // namespace fv::cli
