// SPDX-License-Identifier: Apache-2.0
//
// Debian's Abseil has a string_view of its own.
#pragma once

#include <string_view>

#include "absl/strings/string_view.h"

namespace fv::rootfs {

inline absl::string_view Abseil(std::string_view text) { return {text.data(), text.size()}; }

}  // namespace fv::rootfs
