// SPDX-License-Identifier: Apache-2.0
//
// A call as strace(1) would print it, as far as a record tells: names, numbers in the form that
// suits the argument's kind, paths where the recorder read them, pointers as addresses, "..." for
// arguments that it does not have.
#pragma once

#include <string>

#include "src/trace/trace.h"

namespace fv::trace {

// `openat(AT_FDCWD, "/etc/passwd", 0x80000, 000) = -1 ENOENT`.
std::string CallText(const Call& call);
// What stands behind the "=": "3", "-1 ENOENT", "0x7f0000001000", "? ERESTARTSYS", "?".
std::string ResultText(const Call& call);

}  // namespace fv::trace
