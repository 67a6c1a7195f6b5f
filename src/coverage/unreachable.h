// SPDX-License-Identifier: Apache-2.0
//
// Lines of the guest kernel's source that no program can reach while the kernel is right, by how
// they are written (docs/fuzzing.md names the rules):
//
//   - the body of an `if` one of whose conjuncts is HasMutant(...): a bug that is not built in or
//   off;
//   - a statement that is a call of Panic: the kernel found itself broken.
//
// The build makes a table of them (unreachable_lines.cc), which the command has inside.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace fv::coverage {

// The numbers of such lines of one file, from 1, ascending. `source` is code as clang-format leaves
// it: a body stands between braces, and its last one on a line without code of the body.
std::vector<uint32_t> UnreachableLines(std::string_view source);

using LineSets = std::map<std::string, std::set<uint32_t>>;  // by path
// Of a table whose lines are "PATH:NUMBER".
LineSets ParseLineTable(std::string_view table);

}  // namespace fv::coverage
