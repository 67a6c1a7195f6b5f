// SPDX-License-Identifier: Apache-2.0
//
// What reports say about the program that made them.
#pragma once

#include <string_view>

namespace fv {

// The commit that the program was built from: 12 hexadecimal digits, followed by "-modified" if
// tracked files differed from it; "unknown" outside a git checkout. Lives for ever.
std::string_view BuildCommit();

}  // namespace fv
