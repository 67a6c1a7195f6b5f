// SPDX-License-Identifier: Apache-2.0
//
// Users of a user namespace (user_namespaces(7)).
#pragma once

#include <sys/types.h>

#include "absl/status/status.h"

namespace fv::native {

// A caller with the right to give a namespace many users maps 65536 of them to numbers that nobody
// of this host has: root inside owns nothing outside, not even /proc/sys.
inline constexpr uid_t kFirstMappedUser = 100'000;
inline constexpr uid_t kMappedUsers = 65'536;

// Gives the fresh user namespace of `process` its users: 65536, or the caller alone as root.
// PermissionDenied if the host permits neither.
absl::Status MapUsers(pid_t process);

}  // namespace fv::native
