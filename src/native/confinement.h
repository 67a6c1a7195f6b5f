// SPDX-License-Identifier: Apache-2.0
//
// What a program that is not trusted may do besides what its namespaces keep from it.
#pragma once

#include <cstdint>
#include <span>

namespace fv::native {

// From here on this process and its children may make the system calls of `allowed` alone
// (seccomp(2)): any other one kills its process. Of clone(2) and unshare(2) what makes namespaces
// other than a UTS one is refused in the same way; clone3(2) hides its flags from a filter. Needs
// CAP_SYS_ADMIN in the user namespace, and does not set no_new_privs, which programs could see.
// False: errno says why not.
bool ConfineCalls(std::span<const uint32_t> allowed);

}  // namespace fv::native
