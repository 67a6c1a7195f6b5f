// SPDX-License-Identifier: Apache-2.0
//
// The path walk. Pending text is a stack: the caller's path at the bottom, the texts of symbolic
// links under way above it; their inodes are held so that the text lives. No recursion.
#include <linux/fcntl.h>

#include "guest/fs/path.h"
#include "guest/fs/vfs.h"
#include "guest/lib/string.h"

namespace fv::guest {

namespace {

constexpr unsigned kMaxLinks = 40;  // Linux: MAXSYMLINKS

class Walker {
 public:
  Walker(const PathCaller& caller, uint32_t flags) : caller_(caller), flags_(flags) {}

  // Walks to the end.
  Result<Ref<Dentry>> ToTarget(int dirfd, const char* path);
  // Walks to the last component's directory.
  Status ToParent(int dirfd, const char* path, ParentLookup& out);

 private:
  struct Pending {
    const char* text = nullptr;
    Ref<Inode> link;
  };
  struct Component {
    const char* name = nullptr;
    size_t length = 0;
    bool last = false;
    bool slash_after = false;
  };

  Status Start(int dirfd, const char* path);
  Result<bool> NextComponent(Component& out);
  // A step into a component that is not the last, or the last one of ToTarget.
  Status Step(const Component& component);
  Status Follow(const Ref<Dentry>& link);
  Status MustSearch() const;
  void Up();

  const PathCaller& caller_;
  uint32_t flags_;
  Ref<Dentry> at_;
  unsigned links_ = 0;
  unsigned depth_ = 0;  // pending texts above the caller's
  const char* path_ = nullptr;
  // Texts of links that wait for a longer one to end; kMaxLinks bounds them.
  Pending pending_[kMaxLinks];
  const char*& text() { return depth_ == 0 ? path_ : pending_[depth_ - 1].text; }
};

Status Walker::Start(int dirfd, const char* path) {
  path_ = path;
  if (path[0] == '\0' && (flags_ & kLookupEmptyPath) == 0) {
    return Error(ENOENT);
  }
  if (path[0] == '/') {
    at_ = caller_.fs.root;
    return Ok();
  }
  if (dirfd == AT_FDCWD) {
    at_ = caller_.fs.cwd;
    return Ok();
  }
  if (caller_.files == nullptr) {
    return Error(EBADF);
  }
  const Ref<File> base = TRY(caller_.files->GetPath(dirfd));
  if (path[0] != '\0' && !base->inode().IsDirectory()) {
    return Error(ENOTDIR);
  }
  at_ = Ref<Dentry>(base->dentry());
  return Ok();
}

Status Walker::MustSearch() const {
  if (!at_->inode().IsDirectory()) {
    return Error(ENOTDIR);
  }
  return CheckAccess(at_->inode(), caller_.cred, kMayExec);
}

// Takes the next component off the pending texts. False: nothing is left.
Result<bool> Walker::NextComponent(Component& out) {
  for (;;) {
    const char*& rest = text();
    while (*rest == '/') {
      ++rest;
    }
    if (*rest != '\0') {
      break;
    }
    if (depth_ == 0) {
      return false;
    }
    pending_[--depth_].link = nullptr;
  }
  const char*& rest = text();
  out.name = rest;
  while (*rest != '\0' && *rest != '/') {
    ++rest;
  }
  out.length = static_cast<size_t>(rest - out.name);
  if (out.length > kNameMax) {
    return Error(ENAMETOOLONG);
  }
  out.last = true;
  out.slash_after = false;
  for (unsigned i = 0; i <= depth_; ++i) {
    for (const char* c = i == 0 ? path_ : pending_[i - 1].text; *c != '\0' && out.last; ++c) {
      out.slash_after = out.slash_after || *c == '/';
      out.last = *c == '/';
    }
  }
  return true;
}

void Walker::Up() {
  if (at_.get() != caller_.fs.root.get()) {
    at_ = CrossMounts(ParentAcrossMounts(*at_));
  }
}

bool IsDot(const char* name, size_t length) { return length == 1 && name[0] == '.'; }
bool IsDotDot(const char* name, size_t length) {
  return length == 2 && name[0] == '.' && name[1] == '.';
}

Status Walker::Follow(const Ref<Dentry>& link) {
  if (++links_ > kMaxLinks) {
    return Error(ELOOP);
  }
  Inode& inode = link->inode();
  inode.TouchAccess();
  const char* target = inode.link_text();
  if (target == nullptr) {
    at_ = TRY(inode.JumpTarget());
    return Ok();
  }
  pending_[depth_].text = target;
  pending_[depth_].link = Ref<Inode>(inode);
  ++depth_;
  if (target[0] == '/') {
    at_ = caller_.fs.root;
  }
  return Ok();
}

Status Walker::Step(const Component& component) {
  TRY(MustSearch());
  if (IsDot(component.name, component.length)) {
    return Ok();
  }
  if (IsDotDot(component.name, component.length)) {
    Up();
    return Ok();
  }
  Ref<Dentry> child = TRY(FindEntry(*at_, component.name, component.length));
  const bool follow = !component.last || component.slash_after || (flags_ & kLookupFollow) != 0;
  if (child->inode().IsSymlink() && follow) {
    return Follow(child);
  }
  at_ = CrossMounts(std::move(child));
  if (component.slash_after && !at_->inode().IsDirectory()) {
    return Error(ENOTDIR);
  }
  return Ok();
}

Result<Ref<Dentry>> Walker::ToTarget(int dirfd, const char* path) {
  TRY(Start(dirfd, path));
  Component component;
  while (TRY(NextComponent(component))) {
    TRY(Step(component));
  }
  if ((flags_ & kLookupDirectory) != 0 && !at_->inode().IsDirectory()) {
    return Error(ENOTDIR);
  }
  return at_;
}

Status Walker::ToParent(int dirfd, const char* path, ParentLookup& out) {
  TRY(Start(dirfd, path));
  Component component;
  for (;;) {
    if (!TRY(NextComponent(component))) {
      out.parent = at_;
      out.child = at_;
      out.kind = LastKind::kRoot;
      return Ok();
    }
    if (!component.last) {
      TRY(Step(component));
      continue;
    }
    TRY(MustSearch());
    Result<Ref<Dentry>> child = FindEntry(*at_, component.name, component.length);
    if (child.ok() && child.value()->inode().IsSymlink() && (flags_ & kLookupFollow) != 0 &&
        !IsDot(component.name, component.length)) {
      const unsigned before = depth_;
      TRY(Follow(child.take()));
      if (depth_ > before) {
        continue;
      }
      // A magic link leads straight to its target.
      out.parent = at_;
      out.child = at_;
      out.kind = LastKind::kNormal;
      return Ok();
    }
    break;
  }
  out.parent = at_;
  memcpy(out.name, component.name, component.length);
  out.name[component.length] = '\0';
  out.length = component.length;
  out.trailing_slash = component.slash_after;
  if (IsDot(component.name, component.length) || IsDotDot(component.name, component.length)) {
    out.kind = component.length == 1 ? LastKind::kDot : LastKind::kDotDot;
    if (out.kind == LastKind::kDotDot) {
      Up();
    }
    out.child = at_;
    return Ok();
  }
  Result<Ref<Dentry>> child = FindEntry(*at_, component.name, component.length);
  if (child.ok()) {
    out.child = child.take();
  } else if (child.error().number() != ENOENT) {
    return child.error();
  }
  return Ok();
}

}  // namespace

Ref<Dentry> CrossMounts(Ref<Dentry> dentry) {
  while (dentry->mounted) {
    dentry = dentry->mounted;
    ++dentry->crossings;
  }
  return dentry;
}

Ref<Dentry> ParentAcrossMounts(Dentry& dentry) {
  Ref<Dentry> at(dentry);
  while (!at->parent() && at->covers()) {
    at = at->covers();
  }
  return at->parent() ? at->parent() : at;
}

Result<Ref<Dentry>> FindEntry(Dentry& directory, const char* name, size_t length) {
  if (directory.unlinked()) {
    return Error(ENOENT);
  }
  if (Dentry* child = directory.FindChild(name, length); child != nullptr) {
    return Ref<Dentry>(*child);
  }
  Ref<Inode> inode = TRY(directory.inode().LookupChild(name, length));
  return Dentry::Create(Ref<Dentry>(directory), name, length, std::move(inode));
}

Result<Ref<Dentry>> Lookup(const PathCaller& caller, int dirfd, const char* path, uint32_t flags) {
  return Walker(caller, flags).ToTarget(dirfd, path);
}

Status LookupParent(const PathCaller& caller, int dirfd, const char* path, ParentLookup& out,
                    uint32_t flags) {
  return Walker(caller, flags).ToParent(dirfd, path, out);
}

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
