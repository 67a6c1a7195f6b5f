// SPDX-License-Identifier: Apache-2.0
//
// A list per inode, sorted by name, which is the order that listxattr(2) shows. A value is replaced
// by a new entry, made before the old one goes, so that a failure changes nothing.

#include "guest/fs/xattr.h"

#include <linux/capability.h>

#include "guest/fs/inode.h"
#include "guest/fs/mode.h"
#include "guest/fs/path.h"
#include "guest/fs/ramfs.h"
#include "guest/lib/list.h"
#include "guest/lib/string.h"
#include "guest/mm/slab.h"

namespace fv::guest {
namespace {

// One allocation: this header, the name with its NUL, the value.
struct Xattr {
  proto::Link link{0, 0};
  size_t name_bytes = 0;  // with the NUL
  size_t bytes = 0;
  char* name() { return reinterpret_cast<char*>(this + 1); }
  uint8_t* value() { return reinterpret_cast<uint8_t*>(name() + name_bytes); }
  size_t footprint() const { return sizeof(Xattr) + name_bytes + bytes; }
};
using Xattrs = ListView<Xattr, &Xattr::link>;  // by name

enum class Space { kUser, kTrusted, kSecurity };
enum class Access { kRead, kWrite };

constexpr char kTrustedPrefix[] = "trusted.";

bool HasPrefix(const char* name, const char* prefix) {
  return strncmp(name, prefix, strlen(prefix)) == 0;
}

bool Supports(const Inode& inode) { return inode.superblock().magic == kTmpfsMagic; }

// Errors: EOPNOTSUPP, EINVAL.
Result<Space> SpaceOf(const Inode& inode, const char* name) {
  struct Known {
    const char* prefix;
    Space space;
  };
  constexpr Known kKnown[] = {
      {"user.", Space::kUser}, {kTrustedPrefix, Space::kTrusted}, {"security.", Space::kSecurity}};
  for (const Known& known : kKnown) {
    if (Supports(inode) && HasPrefix(name, known.prefix)) {
      const bool empty = name[strlen(known.prefix)] == '\0';
      return empty ? Result<Space>(Error(EINVAL)) : Result<Space>(known.space);
    }
  }
  return Error(EOPNOTSUPP);
}

// What may be done before the file system is asked whether it knows the name (xattr_permission).
Status CheckSpace(const Inode& inode, const Credentials& cred, const char* name, Access access) {
  const bool write = access == Access::kWrite;
  if (write && inode.superblock().read_only) {
    return Error(EROFS);
  }
  const Error refusal(write ? EPERM : ENODATA);
  if (HasPrefix(name, "security.") || HasPrefix(name, "system.")) {
    return Ok();
  }
  if (HasPrefix(name, kTrustedPrefix)) {
    return cred.Capable(CAP_SYS_ADMIN) ? Ok() : Status(refusal);
  }
  if (HasPrefix(name, "user.")) {
    if (!inode.IsRegular() && !inode.IsDirectory()) {
      return refusal;
    }
    const bool sticky = inode.IsDirectory() && (inode.mode() & kModeSticky) != 0;
    if (write && sticky && cred.fsuid != inode.uid && !cred.Capable(CAP_FOWNER)) {
      return Error(EPERM);
    }
  }
  return CheckAccess(inode, cred, write ? kMayWrite : kMayRead);
}

// CheckSpace, the name's space, and what the security module asks of writers (cap_inode_setxattr).
Status CheckWrite(const Inode& inode, const Credentials& cred, const char* name) {
  TRY(CheckSpace(inode, cred, name, Access::kWrite));
  const Space space = TRY(SpaceOf(inode, name));
  if (space == Space::kSecurity) {
    const bool file_capability = strcmp(name, "security.capability") == 0;
    if (!cred.Capable(file_capability ? CAP_SETFCAP : CAP_SYS_ADMIN)) {
      return Error(EPERM);
    }
  }
  return Ok();
}

Xattr* Find(Inode& inode, const char* name) {
  if (!IsLinked(inode.xattrs)) {
    return nullptr;
  }
  for (Xattr& xattr : Xattrs(inode.xattrs)) {
    if (strcmp(xattr.name(), name) == 0) {
      return &xattr;
    }
  }
  return nullptr;
}

Xattr* Make(const char* name, const uint8_t* value, size_t bytes) {
  const size_t name_bytes = strlen(name) + 1;
  void* memory = KernelAllocate(sizeof(Xattr) + name_bytes + bytes);
  if (memory == nullptr) {
    return nullptr;
  }
  Xattr* xattr = new (memory) Xattr;
  xattr->name_bytes = name_bytes;
  xattr->bytes = bytes;
  memcpy(xattr->name(), name, name_bytes);
  memcpy(xattr->value(), value, bytes);
  return xattr;
}

void Free(Xattr& xattr) {
  Xattrs::Remove(xattr);
  KernelFree(&xattr, xattr.footprint());
}

void Insert(Inode& inode, Xattr& xattr) {
  if (!IsLinked(inode.xattrs)) {
    InitHead(inode.xattrs);
  }
  Xattrs all(inode.xattrs);
  Xattr* before = all.back();
  while (before != nullptr && strcmp(before->name(), xattr.name()) > 0) {
    before = all.Prev(*before);
  }
  before == nullptr ? all.PushFront(xattr) : all.InsertAfter(*before, xattr);
}

}  // namespace

Status SetXattr(Inode& inode, const Credentials& cred, const char* name, const uint8_t* value,
                size_t bytes, XattrSet how) {
  TRY(CheckWrite(inode, cred, name));
  Xattr* old = Find(inode, name);
  if (old != nullptr && how == XattrSet::kCreate) {
    return Error(EEXIST);
  }
  if (old == nullptr && how == XattrSet::kReplace) {
    return Error(ENODATA);
  }
  Xattr* made = Make(name, value, bytes);
  if (made == nullptr) {
    return Error(ENOMEM);
  }
  if (old != nullptr) {
    Free(*old);
  }
  Insert(inode, *made);
  inode.TouchChange();
  return Ok();
}

Result<size_t> GetXattr(Inode& inode, const Credentials& cred, const char* name, uint8_t* out,
                        size_t capacity) {
  TRY(CheckSpace(inode, cred, name, Access::kRead));
  TRY(SpaceOf(inode, name));
  Xattr* xattr = Find(inode, name);
  if (xattr == nullptr) {
    return Error(ENODATA);
  }
  if (capacity > 0) {
    if (xattr->bytes > capacity) {
      return Error(ERANGE);
    }
    memcpy(out, xattr->value(), xattr->bytes);
  }
  return xattr->bytes;
}

Result<size_t> ListXattrs(Inode& inode, const Credentials& cred, char* out, size_t capacity) {
  if (!IsLinked(inode.xattrs)) {
    return size_t{0};
  }
  const bool sees_trusted = cred.Capable(CAP_SYS_ADMIN);
  size_t total = 0;
  for (Xattr& xattr : Xattrs(inode.xattrs)) {
    if (!sees_trusted && HasPrefix(xattr.name(), kTrustedPrefix)) {
      continue;
    }
    if (capacity > 0) {
      if (xattr.name_bytes > capacity - total) {
        return Error(ERANGE);
      }
      memcpy(out + total, xattr.name(), xattr.name_bytes);
    }
    total += xattr.name_bytes;
  }
  return total;
}

Status RemoveXattr(Inode& inode, const Credentials& cred, const char* name) {
  TRY(CheckWrite(inode, cred, name));
  Xattr* xattr = Find(inode, name);
  if (xattr == nullptr) {
    return Error(ENODATA);
  }
  Free(*xattr);
  inode.TouchChange();
  return Ok();
}

void DropXattrs(Inode& inode) {
  while (IsLinked(inode.xattrs) && !Xattrs(inode.xattrs).empty()) {
    Free(*Xattrs(inode.xattrs).front());
  }
}

}  // namespace fv::guest
