// SPDX-License-Identifier: Apache-2.0
//
// A file that is there as a whole or not at all.
#pragma once

#include <functional>
#include <string>

#include "absl/status/status.h"

namespace fv::query {

// A status of errno's text: NotFound for ENOENT, else Internal.
absl::Status ErrnoError(const std::string& what);

// Calls `write` with a descriptor of a new file of mode 0600, which then takes the place of `path`.
// If anything fails, `path` is as it was. Errors: those of `write`; ErrnoError.
absl::Status WriteWholeFile(const std::string& path,
                            const std::function<absl::Status(int fd)>& write);

}  // namespace fv::query
