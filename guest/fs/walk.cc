// SPDX-License-Identifier: Apache-2.0
//
// The path walk. Pending text is a stack: the caller's path at the bottom, the texts of symbolic
// links under way above it; their inodes are held so that the text lives. No recursion.
#include <linux/fcntl.h>
#include <linux/openat2.h>

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
  Result<Ref<Dentry>> StartOf(int dirfd, const char* path) const;
  Result<bool> NextComponent(Component& out);
  // A step into a component that is not the last, or the last one of ToTarget.
  Status Step(const Component& component);
  Status Follow(const Ref<Dentry>& link);
  Status FollowMagic(Inode& link);
  Status ToRoot();
  Status MustSearch() const;
  Status Up();
  bool Restricts(uint64_t resolve) const { return (caller_.resolve & resolve) != 0; }

  const PathCaller& caller_;
  uint32_t flags_;
  Ref<Dentry> root_;  // nothing leads above it
  Ref<Dentry> at_;
  unsigned links_ = 0;
  unsigned depth_ = 0;  // pending texts above the caller's
  const char* path_ = nullptr;
  // Texts of links that wait for a longer one to end; kMaxLinks bounds them.
  Pending pending_[kMaxLinks];
  const char*& text() { return depth_ == 0 ? path_ : pending_[depth_ - 1].text; }
};

// Where a path begins that is not absolute, or that has this directory as its root.
Result<Ref<Dentry>> Walker::StartOf(int dirfd, const char* path) const {
  if (dirfd == AT_FDCWD) {
    return Ref<Dentry>(caller_.fs.cwd);
  }
  if (caller_.files == nullptr) {
    return Error(EBADF);
  }
  const Ref<File> base = TRY(caller_.files->GetPath(dirfd));
  if (path[0] != '\0' && !base->inode().IsDirectory()) {
    return Error(ENOTDIR);
  }
  return Ref<Dentry>(base->dentry());
}

Status Walker::Start(int dirfd, const char* path) {
  path_ = path;
  if (path[0] == '\0' && (flags_ & kLookupEmptyPath) == 0) {
    return Error(ENOENT);
  }
  root_ = caller_.fs.root;
  if (path[0] == '/' && !Restricts(RESOLVE_IN_ROOT)) {
    at_ = root_;
    return Restricts(RESOLVE_BENEATH) ? Status(Error(EXDEV)) : Ok();
  }
  at_ = TRY(StartOf(dirfd, path));
  if (Restricts(RESOLVE_IN_ROOT | RESOLVE_BENEATH)) {
    root_ = at_;
  }
  return Ok();
}

bool OnOneMount(const Dentry& a, const Dentry& b) {
  return &a.inode().superblock() == &b.inode().superblock();
}

// What an absolute link does. (Linux: nd_jump_root.)
Status Walker::ToRoot() {
  if (Restricts(RESOLVE_BENEATH) || (Restricts(RESOLVE_NO_XDEV) && !OnOneMount(*at_, *root_))) {
    return Error(EXDEV);
  }
  at_ = root_;
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

// (Linux: follow_dotdot.)
Status Walker::Up() {
  if (at_.get() == root_.get()) {
    return Restricts(RESOLVE_BENEATH) ? Status(Error(EXDEV)) : Ok();
  }
  Ref<Dentry> above = CrossMounts(ParentAcrossMounts(*at_));
  if (Restricts(RESOLVE_NO_XDEV) && !OnOneMount(*at_, *above)) {
    return Error(EXDEV);
  }
  at_ = std::move(above);
  return Ok();
}

bool IsDot(const char* name, size_t length) { return length == 1 && name[0] == '.'; }
bool IsDotDot(const char* name, size_t length) {
  return length == 2 && name[0] == '.' && name[1] == '.';
}

// A link of /proc leads straight to its target. (Linux: nd_jump_link.)
Status Walker::FollowMagic(Inode& link) {
  Ref<Dentry> target = TRY(link.JumpTarget());
  if (Restricts(RESOLVE_NO_MAGICLINKS)) {
    return Error(ELOOP);
  }
  if (Restricts(RESOLVE_BENEATH | RESOLVE_IN_ROOT) ||
      (Restricts(RESOLVE_NO_XDEV) && !OnOneMount(*at_, *target))) {
    return Error(EXDEV);
  }
  at_ = std::move(target);
  return Ok();
}

Status Walker::Follow(const Ref<Dentry>& link) {
  if (++links_ > kMaxLinks || Restricts(RESOLVE_NO_SYMLINKS)) {
    return Error(ELOOP);
  }
  Inode& inode = link->inode();
  inode.TouchAccess();
  const char* target = inode.link_text();
  if (target == nullptr) {
    return FollowMagic(inode);
  }
  if (target[0] == '/') {
    TRY(ToRoot());
  }
  pending_[depth_].text = target;
  pending_[depth_].link = Ref<Inode>(inode);
  ++depth_;
  return Ok();
}

Status Walker::Step(const Component& component) {
  TRY(MustSearch());
  if (IsDot(component.name, component.length)) {
    return Ok();
  }
  if (IsDotDot(component.name, component.length)) {
    return Up();
  }
  Ref<Dentry> child = TRY(FindEntry(*at_, component.name, component.length));
  const bool follow = !component.last || component.slash_after || (flags_ & kLookupFollow) != 0;
  if (child->inode().IsSymlink() && follow) {
    return Follow(child);
  }
  if (child->mounted && Restricts(RESOLVE_NO_XDEV)) {
    return Error(EXDEV);
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
      TRY(Up());
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

}  // namespace fv::guest
