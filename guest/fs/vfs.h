// SPDX-License-Identifier: Apache-2.0
//
// Operations on names and attributes, below the system calls and above the file systems: what
// mkdir(2), unlink(2), rename(2), chmod(2)... do once their path strings are in the kernel.
// Errors are those of the manual pages.
#pragma once

#include <cstdint>

#include "guest/fs/path.h"

namespace fv::guest {

// What stands at `dentry` for a walker: the root of what is mounted there, else itself.
Ref<Dentry> CrossMounts(Ref<Dentry> dentry);
// "..", out of a mounted file system where `dentry` is its root; a root is its own parent.
Ref<Dentry> ParentAcrossMounts(Dentry& dentry);
// The entry `name` of a directory, in front of mounts. Errors: ENOENT, ENOMEM.
Result<Ref<Dentry>> FindEntry(Dentry& directory, const char* name, size_t length);

// mknod(2) of any type but directories and links; regular files for open(2) too. The mode is
// masked by the umask. Errors: EEXIST, EACCES, EPERM, EROFS, ENOENT (trailing slash).
Result<Ref<Dentry>> CreateNode(const PathCaller& caller, const ParentLookup& where, uint32_t mode,
                               uint64_t device);
Status MakeDirectory(const PathCaller& caller, int dirfd, const char* path, uint32_t mode);
Status MakeSymlink(const PathCaller& caller, const char* text, int dirfd, const char* path);
Status MakeLink(const PathCaller& caller, const Ref<Dentry>& target, int dirfd, const char* path);
Status RemoveFile(const PathCaller& caller, int dirfd, const char* path);
Status RemoveDirectory(const PathCaller& caller, int dirfd, const char* path);
struct RenamePaths {
  int from_dirfd;
  const char* from;
  int to_dirfd;
  const char* to;
};
// `flags` of RENAME_NOREPLACE, RENAME_EXCHANGE.
Status Rename(const PathCaller& caller, const RenamePaths& paths, uint32_t flags);

// A regular file without a name (O_TMPFILE in `directory`, memfd_create with `name`).
Result<Ref<Dentry>> MakeUnnamed(Superblock& superblock, const char* name, uint32_t mode,
                                const Credentials& cred);
// The file system that O_TMPFILE and memfd_create use.
Superblock& RootSuperblock();
// File systems of objects without a path: pipes, event descriptors.
Superblock& PipeSuperblock();
Superblock& AnonymousSuperblock();
Superblock& SocketSuperblock();

Status ChangeMode(Inode& inode, const Credentials& cred, uint32_t permissions);
// `uid` and `gid` of ~0 stay as they are.
Status ChangeOwner(Inode& inode, const Credentials& cred, uint32_t uid, uint32_t gid);
// truncate(2) on an inode whose write permission is checked. Errors: EFBIG (with SIGXFSZ), EISDIR,
// EINVAL, ETXTBSY.
Status TruncateChecked(Inode& inode, uint64_t bytes, const IoContext& context);
// A write took place: set-user-ID and set-group-ID go, unless the caller has CAP_FSETID.
void DropPrivilegeBits(Inode& inode);

}  // namespace fv::guest
