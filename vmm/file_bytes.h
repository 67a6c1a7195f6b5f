// SPDX-License-Identifier: Apache-2.0
//
// Bytes into a file and out of it as a whole, however many of them a call moves. False: errno says
// why not.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace fv::vmm {

[[nodiscard]] bool WriteAll(int fd, std::string_view bytes);
// From `offset` of the file on; its position stays where it is.
[[nodiscard]] bool WriteAllAt(int fd, std::string_view bytes, uint64_t offset);
// What a file holds, from its beginning to its end, in `bytes`; its position stays where it is.
[[nodiscard]] bool ReadAll(int fd, std::string& bytes);

}  // namespace fv::vmm
