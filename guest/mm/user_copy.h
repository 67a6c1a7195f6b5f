// SPDX-License-Identifier: Apache-2.0
//
// Access to user memory by a walk of the address space's page tables and the direct map; a user
// address is never dereferenced. Missing pages are faulted in and copy-on-write is broken as for
// the user's own access. Context: task context; does not block.
#pragma once

#include <cstddef>
#include <cstdint>
#include <type_traits>

#include "guest/lib/result.h"
#include "guest/mm/mm.h"

namespace fv::guest {

// All or EFAULT; on an error a part may have been copied.
Status CopyToUser(Mm& mm, uint64_t to, const void* from, size_t bytes);
Status CopyFromUser(Mm& mm, void* to, uint64_t from, size_t bytes);
// As much as is accessible from the start: returns the number of bytes copied.
size_t CopyToUserPartial(Mm& mm, uint64_t to, const void* from, size_t bytes);
size_t CopyFromUserPartial(Mm& mm, void* to, uint64_t from, size_t bytes);
// The same for a debugger: protection does not count (ForceFault).
size_t CopyToUserForced(Mm& mm, uint64_t to, const void* from, size_t bytes);
size_t CopyFromUserForced(Mm& mm, void* to, uint64_t from, size_t bytes);
size_t ZeroUserPartial(Mm& mm, uint64_t to, size_t bytes);
// From one user's memory to another's, or its own, byte after byte upwards: what was written is
// read again where the two overlap, as when Linux copies between them.
size_t CopyBetweenUsers(Mm& to_mm, uint64_t to, Mm& from_mm, uint64_t from, size_t bytes);
// clear_user: all or EFAULT.
Status ZeroUser(Mm& mm, uint64_t to, size_t bytes);
// Copies a NUL-terminated string of at most `capacity` bytes, the NUL included. Returns its length
// without the NUL. Errors: EFAULT; ENAMETOOLONG if there is no NUL within `capacity` bytes.
Result<size_t> CopyStringFromUser(Mm& mm, uint64_t from, char* to, size_t capacity);
// The NUL-terminated string's length without copying it, at most `limit`. Errors: EFAULT; E2BIG.
Result<size_t> UserStringLength(Mm& mm, uint64_t from, size_t limit);

// The frame behind a user address after it was made accessible for `access`, for futexes (shared
// keys) and transfers by page. The caller pins it if it keeps it. Errors: EFAULT.
Result<uint64_t> UserFrame(Mm& mm, uint64_t address, FaultAccess access);

template <typename T>
Result<T> ReadUser(Mm& mm, uint64_t address) {
  static_assert(std::is_trivially_copyable_v<T>);
  T value;
  TRY(CopyFromUser(mm, &value, address, sizeof(T)));
  return value;
}

template <typename T>
Status WriteUser(Mm& mm, uint64_t address, const T& value) {
  static_assert(std::is_trivially_copyable_v<T>);
  return CopyToUser(mm, address, &value, sizeof(T));
}

// An aligned 32-bit word, compared and exchanged in one step as the user's CPU would. Returns the
// value that was there. Errors: EFAULT, EINVAL (not aligned).
Result<uint32_t> CompareExchangeUser(Mm& mm, uint64_t address, uint32_t expected, uint32_t desired);

}  // namespace fv::guest
