// SPDX-License-Identifier: Apache-2.0
#include "src/cli/testing/shell.h"

#include <sys/wait.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <system_error>

namespace fv::cli::testing {

Outcome RunShell(const std::string& script) {
  FILE* pipe = popen(script.c_str(), "r");
  if (pipe == nullptr) throw std::system_error(errno, std::generic_category(), "popen");
  Outcome outcome;
  std::array<char, 4096> piece;
  size_t got;
  while ((got = fread(piece.data(), 1, piece.size(), pipe)) > 0) {
    outcome.text.append(piece.data(), got);
  }
  const int status = pclose(pipe);
  outcome.status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  return outcome;
}

}  // namespace fv::cli::testing
