// SPDX-License-Identifier: Apache-2.0
//
// Turns errno into VmmError.
#include "vmm/error.h"

#include <cerrno>
#include <cstring>

namespace fv::vmm {

void ThrowErrno(const std::string& what, int error) {
  const VmmErrorKind kind = error == ENOMEM ? VmmErrorKind::kNoMemory : VmmErrorKind::kSystem;
  throw VmmError(kind, what + ": " + std::strerror(error));
}

}  // namespace fv::vmm
