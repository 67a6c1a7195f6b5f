// SPDX-License-Identifier: Apache-2.0
//
// Structures that grow with Linux: the caller says how much of one it knows.
#pragma once

#include <cstdint>

#include "guest/lib/result.h"
#include "guest/mm/user_copy.h"

namespace fv::guest {

// `size` bytes of a T at `address`; what the caller does not know is zero here, and what is beyond
// T must be zero there (copy_struct_from_user). Errors: EFAULT, E2BIG.
template <typename T>
Result<T> ReadGrowingStruct(Mm& mm, uint64_t address, uint64_t size) {
  T out{};
  const uint64_t known = size < sizeof(T) ? size : sizeof(T);
  TRY(CopyFromUser(mm, &out, address, known));
  for (uint64_t at = known; at < size; ++at) {
    if (TRY(ReadUser<uint8_t>(mm, address + at)) != 0) {
      return Error(E2BIG);
    }
  }
  return out;
}

}  // namespace fv::guest
