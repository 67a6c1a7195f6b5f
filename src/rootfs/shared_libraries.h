// SPDX-License-Identifier: Apache-2.0
//
// The shared libraries that a dynamically linked program starts with, as its own loader finds them
// on this host, and the one that glibc opens by itself (libgcc_s, for pthread_exit and
// pthread_cancel). What a program opens later (dlopen: name services, locales) is not in the list.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"

namespace fv::rootfs {

// Asks `loader` (the program's PT_INTERP, on the host) with --list, which runs no code of the
// program; glibc's and musl's loaders have it. Absolute host paths, the loader not among them.
// Errors: NotFound (no such loader, or a library is missing: the message names it).
absl::StatusOr<std::vector<std::string>> SharedLibraries(const std::string& loader,
                                                         const std::string& program);

// The paths in the loader's answer. InvalidArgument if it names a library that it did not find.
absl::StatusOr<std::vector<std::string>> ParseLibraryList(std::string_view text);

}  // namespace fv::rootfs
