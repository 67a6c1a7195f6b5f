// SPDX-License-Identifier: Apache-2.0
//
// eventfd(2): a counter as a file.
#pragma once

#include <cstdint>

#include "guest/fs/file.h"

namespace fv::guest {

// <sys/eventfd.h> of the C library has them; Linux's UAPI headers of this age do not. The other two
// flags are O_NONBLOCK and O_CLOEXEC.
inline constexpr uint32_t kEventfdSemaphore = 1;

// `flags` of O_NONBLOCK and kEventfdSemaphore. Errors: ENOMEM.
Result<Ref<File>> MakeEventfd(uint32_t initial, uint32_t flags);

}  // namespace fv::guest
