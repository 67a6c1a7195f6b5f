// SPDX-License-Identifier: Apache-2.0
//
// Path walking (path_resolution(7)) and what exec and boot need of it. A walk crosses mounts,
// follows symbolic links (at most 40, ELOOP), checks search permission on every directory, and
// stays below the caller's root directory.
#pragma once

#include <cstddef>
#include <cstdint>

#include "guest/fs/fd_table.h"
#include "guest/fs/fs_context.h"
#include "guest/lib/credentials.h"

namespace fv::guest {

// Who walks: the caller's credentials and directories.
struct PathCaller {
  FsContext& fs;
  const Credentials& cred;
  FdTable* files;  // for a dirfd other than AT_FDCWD; may be nullptr
  // RESOLVE_ flags of openat2(2), each of which forbids a way (EXDEV, ELOOP) or moves the root.
  // Nothing has to be fetched for RESOLVE_CACHED.
  uint64_t resolve = 0;
};

enum LookupFlag : uint32_t {
  kLookupFollow = 1,     // follow a symbolic link in the last component
  kLookupDirectory = 2,  // the result must be a directory (ENOTDIR)
  kLookupEmptyPath = 4,  // "" names dirfd itself (AT_EMPTY_PATH)
};

// Errors: ENOENT, ENOTDIR, EACCES, ELOOP, ENAMETOOLONG, EBADF, ENOMEM, EXDEV.
Result<Ref<Dentry>> Lookup(const PathCaller& caller, int dirfd, const char* path, uint32_t flags);

// What the last component is; all but kNormal can be neither made nor removed.
enum class LastKind { kNormal, kDot, kDotDot, kRoot };

// The directory and last component of a path, for calls that make or remove names.
struct ParentLookup {
  Ref<Dentry> parent;
  Ref<Dentry> child;  // null: does not exist
  char name[kNameMax + 1] = {};
  size_t length = 0;
  bool trailing_slash = false;
  LastKind kind = LastKind::kNormal;
};
// Fills `out`. A symbolic link as last component is followed only with kLookupFollow (open with
// O_CREAT makes what a dangling link names). Errors: as Lookup.
Status LookupParent(const PathCaller& caller, int dirfd, const char* path, ParentLookup& out,
                    uint32_t flags = 0);

// Permission of `cred` on an inode; `mask` of MAY_EXEC 1, MAY_WRITE 2, MAY_READ 4.
// Errors: EACCES, EROFS.
Status CheckAccess(const Inode& inode, const Credentials& cred, uint32_t mask);
inline constexpr uint32_t kMayExec = 1;
inline constexpr uint32_t kMayWrite = 2;
inline constexpr uint32_t kMayRead = 4;

// open(2) and openat(2) below the system call. `mode` is masked with the umask here.
// Errors: those of open(2).
Result<Ref<File>> OpenPath(const PathCaller& caller, int dirfd, const char* path, uint32_t flags,
                           uint32_t mode, const IoContext& context);

// A file to execute: regular, with execute permission (EACCES), not open for writing (ETXTBSY).
// The file keeps writers away until AllowWrite(); exec holds it as the program's exe file.
// `flags`: kLookupFollow unless AT_SYMLINK_NOFOLLOW (then ELOOP for a link), kLookupEmptyPath.
Result<Ref<File>> OpenForExec(const PathCaller& caller, int dirfd, const char* path,
                              uint32_t flags);
// The pages of a file that OpenForExec gave. Never null.
MemoryObject& ObjectOf(File& file);

// The path of `dentry` as seen from `root`: NUL-terminated in `out`, length without the NUL.
// An unlinked name gets " (deleted)". `reachable`, if given, is false when `dentry` is not below
// `root`. Errors: ENAMETOOLONG.
Result<size_t> FormatPath(const Dentry& dentry, const Dentry& root, char* out, size_t capacity,
                          bool* reachable = nullptr);

// ---- Boot ------------------------------------------------------------------------------------
// Makes the root file system from a newc cpio archive (may be empty), adds /dev, /proc, /sys, /tmp
// where they are missing. `initrd` stays in use: file contents are read from it on first access.
// Panics only without memory. Bad archives are logged and used up to the fault.
void InitRootFs(const uint8_t* initrd, size_t bytes);
Ref<Dentry> RootDentry();
// Opens descriptors 0, 1, 2 on the console's streams. Errors: ENOMEM.
Status OpenConsole(FdTable& files);

}  // namespace fv::guest
