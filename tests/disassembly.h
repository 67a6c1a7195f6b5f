// SPDX-License-Identifier: Apache-2.0
//
// What the guest kernel may not contain, told from a line of `objdump -d` (AT&T syntax): use of
// the x87, MMX, SSE or AVX registers. The kernel does not save them at a trap, so touching one
// would corrupt a user program; and software KVM does not emulate them all in ring 0.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace fv::tests {

// Why `line` is forbidden in the kernel; nullopt if it is fine or no instruction at all. Saving
// and restoring the whole state (fxsave, xsave, their counterparts, fninit, ldmxcsr) is fine: it
// is what a context switch does.
std::optional<std::string> ForbiddenInstruction(std::string_view line);

}  // namespace fv::tests
