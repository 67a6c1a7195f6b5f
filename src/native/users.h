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

// What unshare(2) or the mapping of users failed with, `error`, as a status. PermissionDenied if
// this host has no user namespaces for `caller`: a chroot, a limit of none, a filter of system
// calls, a kernel without them. Root is told how the program runs all the same: to run it with
// root's own rights instead has to be asked for.
absl::Status UserNamespaceRefused(uid_t caller, int error);

// Gives the fresh user namespace of `process` its users: 65536, or the caller alone as root.
// PermissionDenied if the host permits neither.
absl::Status MapUsers(pid_t process);

}  // namespace fv::native
