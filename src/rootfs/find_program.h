// SPDX-License-Identifier: Apache-2.0
//
// Which file of the host a program's name means, as a shell looks it up: execve(2), execvp(3).
#pragma once

#include <string>
#include <string_view>

#include "absl/status/statusor.h"

namespace fv::rootfs {

// With a slash `name` is a path from `cwd`, else it is looked for in the directories of `path`,
// where what cannot be run is passed over while something later can be. Absolute. Errors, each a
// sentence that says what is there instead: NotFound, PermissionDenied (a directory, no execute
// permission...), what stat(2) says.
absl::StatusOr<std::string> FindHostProgram(std::string_view name, std::string_view path,
                                            std::string_view cwd);

}  // namespace fv::rootfs
