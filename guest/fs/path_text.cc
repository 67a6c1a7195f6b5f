// SPDX-License-Identifier: Apache-2.0
//
// From a dentry to its path.
#include "guest/fs/path.h"
#include "guest/lib/string.h"

namespace fv::guest {

Result<size_t> FormatPath(const Dentry& dentry, const Dentry& root, char* out, size_t capacity,
                          bool* reachable) {
  // Written from the end of the buffer, then moved to its start.
  static constexpr char kDeleted[] = " (deleted)";
  size_t start = capacity;
  auto prepend = [&](const char* text, size_t length) {
    if (length > start) {
      return false;
    }
    start -= length;
    memcpy(out + start, text, length);
    return true;
  };
  bool fits = prepend("", 1) && (!dentry.unlinked() || prepend(kDeleted, sizeof(kDeleted) - 1));
  Ref<Dentry> at(const_cast<Dentry&>(dentry));
  bool any = false;
  while (fits && at.get() != &root) {
    while (!at->parent() && at->covers() && at.get() != &root) {
      at = at->covers();
    }
    if (!at->parent() || at.get() == &root) {
      break;
    }
    fits = prepend(at->name(), at->name_length()) && prepend("/", 1);
    any = true;
    at = at->parent();
  }
  if (fits && !any) {
    // The root itself, or an anonymous object, whose name is its text.
    fits = at.get() == &root ? prepend("/", 1) : prepend(at->name(), at->name_length());
  }
  if (!fits) {
    return Error(ENAMETOOLONG);
  }
  if (reachable != nullptr) {
    *reachable = at.get() == &root;
  }
  memmove(out, out + start, capacity - start);
  return capacity - start - 1;
}

}  // namespace fv::guest
