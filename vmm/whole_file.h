// SPDX-License-Identifier: Apache-2.0
//
// A file that is there as a whole or not at all.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "absl/status/status.h"

namespace fv::vmm {

// A status of errno's text: NotFound for ENOENT, else Internal.
absl::Status ErrnoError(const std::string& what);

// Calls `write` with a descriptor of a new file that only its owner may read; it then takes the
// place of `path`, which is as it was if anything fails. A link stays one: the file behind it is
// replaced. What is there and is no regular file (a device, a pipe) is written to as it is. Errors:
// those of `write`, an Internal one with the file's name; ErrnoError.
absl::Status WriteWholeFile(const std::string& path,
                            const std::function<absl::Status(int fd)>& write);

// The same with this content, for all to read whom the umask lets.
absl::Status WriteWholeFile(const std::string& path, std::string_view content);

}  // namespace fv::vmm
