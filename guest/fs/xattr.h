// SPDX-License-Identifier: Apache-2.0
//
// Extended attributes (xattr(7)) of inodes on memory file systems: names of the spaces user,
// trusted and security, with a value of bytes each; other file systems and spaces have none
// (EOPNOTSUPP). They live as long as the inode. Locking: the inode's i_rwsem.
#pragma once

#include <cstddef>
#include <cstdint>

#include "guest/lib/credentials.h"
#include "guest/lib/result.h"

namespace fv::guest {

class Inode;

inline constexpr size_t kXattrNameMax = 255;
inline constexpr size_t kXattrValueMax = 65536;
inline constexpr size_t kXattrListMax = 65536;

enum class XattrSet { kAny, kCreate, kReplace };

// `name` is NUL-terminated. Errors: EOPNOTSUPP, EINVAL (a space without a name in it), EPERM,
// EACCES, EROFS, EEXIST, ENODATA, ENOMEM.
Status SetXattr(Inode& inode, const Credentials& cred, const char* name, const uint8_t* value,
                size_t bytes, XattrSet how);
// The length of the value; as much as `capacity` allows is copied to `out`. Errors: ERANGE (0 <
// capacity < length), ENODATA, EOPNOTSUPP, EINVAL, EACCES.
Result<size_t> GetXattr(Inode& inode, const Credentials& cred, const char* name, uint8_t* out,
                        size_t capacity);
// The names, each with its NUL, in order; trusted ones only for CAP_SYS_ADMIN. Errors: ERANGE.
Result<size_t> ListXattrs(Inode& inode, const Credentials& cred, char* out, size_t capacity);
// Errors: as SetXattr; ENODATA.
Status RemoveXattr(Inode& inode, const Credentials& cred, const char* name);
// The inode goes.
void DropXattrs(Inode& inode);

}  // namespace fv::guest
