// SPDX-License-Identifier: Apache-2.0
//
// ramfs: inodes in memory. A regular file's pages are its MemoryObject, which mmap maps as well:
// the page cache is the file. Directories keep their contents as dentries (dentry.h). Locking: each
// inode's i_rwsem.
#pragma once

#include <cstddef>
#include <cstdint>

#include "guest/fs/dentry.h"
#include "guest/fs/inode.h"
#include "guest/lib/ref.h"
#include "guest/lib/result.h"

namespace fv::guest {

// Newer than the headers of this build (Linux 6.3): who may execute it never changes.
inline constexpr uint32_t kSealExec = 0x20;  // F_SEAL_EXEC
inline constexpr uint32_t kModeExec = 0111;

inline constexpr uint64_t kTmpfsMagic = 0x01021994;

// A new inode of the type in `mode`; the owner is root, links 1 (2 for a directory).
// `device` is for S_IFCHR and S_IFBLK. Errors: ENOMEM, EINVAL (S_IFLNK: use MakeSymlinkInode).
Result<Ref<Inode>> MakeRamInode(Superblock& superblock, uint32_t mode, uint64_t device = 0);
// Errors: ENOMEM.
Result<Ref<Inode>> MakeSymlinkInode(Superblock& superblock, const char* text, size_t length);
// A regular file whose content is `data`, copied page by page when it is first touched.
Result<Ref<Inode>> MakeBackedInode(Superblock& superblock, uint32_t mode, const uint8_t* data,
                                   size_t bytes);

// Opens a directory of any file system for reading its entries.
Result<Ref<File>> OpenDirectory(Ref<Dentry> dentry, uint32_t flags);
// An open file without operations (O_PATH).
Result<Ref<File>> OpenPathOnly(Ref<Dentry> dentry, uint32_t flags);
// An open regular file; the inode has an object().
Result<Ref<File>> OpenRegular(Ref<Dentry> dentry, uint32_t flags);
// The same, keeping writers away until the last close (execve).
Result<Ref<File>> OpenRegularForExec(Ref<Dentry> dentry);

}  // namespace fv::guest
