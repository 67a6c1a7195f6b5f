// SPDX-License-Identifier: Apache-2.0
//
// The page with a recording inside: one file that needs no server.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"

namespace fv::view {

// `page` with the recording in the element that is there for it. Error: Internal (the page has no
// such element).
absl::StatusOr<std::string> PageWith(std::string_view page, std::span<const uint8_t> recording);

}  // namespace fv::view
