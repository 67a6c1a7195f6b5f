// SPDX-License-Identifier: Apache-2.0
//
// The list of cases that vm_test (vm_test.bzl) writes: a line a case, fields parted by tabs:
//   name, kind ("program" or "shell"), path of the program or script, standard input (a path, or
//   "-" for none), system calls ("chance": not compared; else "-" and those that are not compared,
//   parted by commas), arguments...
// Paths are relative to the runfiles root, which is where a test starts.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace fv::tests {

enum class CaseKind { kProgram, kShell };

struct Case {
  std::string name;
  CaseKind kind = CaseKind::kProgram;
  std::string path;
  std::string input_path;  // empty: no input
  enum class Calls { kCompare, kByChance } calls = Calls::kCompare;
  std::vector<std::string> ignored_calls;
  std::vector<std::string> arguments;
};

// Throws std::invalid_argument that names the line for one that is not as above, and for two
// cases of one name.
std::vector<Case> ParseCases(std::string_view text);

}  // namespace fv::tests
