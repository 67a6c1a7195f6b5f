// SPDX-License-Identifier: Apache-2.0
//
// Dentry: a name in a directory. For ramfs directories the dentries *are* the contents: a child is
// referenced by its parent's list and found through one global hash. Dentries of synthetic
// directories and of anonymous objects (pipes) are on no list and live as long as somebody holds
// them. A dentry that was unlinked keeps its name and parent for /proc's "(deleted)".
// Locking: d_lock / rename_lock would guard names, parents and lists. Reference counted.
#pragma once

#include <cstddef>
#include <cstdint>

#include "guest/fs/inode.h"
#include "guest/lib/list.h"
#include "guest/lib/ref.h"
#include "guest/lib/result.h"
#include "guest/mm/vma.h"

namespace fv::guest {

inline constexpr size_t kNameMax = 255;
inline constexpr size_t kPathMax = 4096;  // with the NUL

// As a MappingSource it names a file mapping in /proc/PID/maps: MapRequest::source.
class Dentry final : public MappingSource {
 public:
  // A name without a place in any list. `parent` null: a root, or an anonymous object.
  // Errors: ENOMEM.
  static Result<Ref<Dentry>> Create(Ref<Dentry> parent, const char* name, size_t length,
                                    Ref<Inode> inode);
  Dentry(const Dentry&) = delete;
  Dentry& operator=(const Dentry&) = delete;
  void AddRef() override { ++refs_; }
  void Release() override;
  uint32_t refs() const { return refs_; }
  size_t MappingPath(char* out, size_t capacity) const override;
  uint64_t MappingDevice() const override;
  uint64_t MappingInode() const override;

  const char* name() const { return reinterpret_cast<const char*>(text); }  // NUL-terminated
  size_t name_length() const { return length; }
  Inode& inode() const { return *inode_; }
  Ref<Dentry> parent() const { return parent_; }
  bool unlinked() const { return (flags & proto::kNameUnlinked) != 0; }
  bool linked() const { return IsLinked(sibling); }

  // Directory contents (ramfs). Each call keeps the parent's link count and times true.
  Dentry* FindChild(const char* name, size_t length);
  void AddChild(Dentry& child);  // takes a reference; child.parent() becomes this
  void RemoveChild(Dentry& child);
  bool HasChildren() const { return children_.next != AddressOf(&children_); }
  // Children come newest first, as tmpfs gives them: one that is made while a directory is read is
  // not met. Cookies grow for ever.
  static constexpr uint64_t kFromNewest = 2;  // behind "." and "..", which have 0 and 1
  // The newest child whose cookie is below `cookie`, or of all with kFromNewest; or nullptr.
  Dentry* ChildBelow(uint64_t cookie);
  Dentry* FirstChild() { return ChildBelow(kFromNewest); }
  Dentry* ChildAfter(Dentry& child);
  uint64_t cookie() const { return cookie_; }
  // rename(2): moves to (parent, name). Errors: ENOMEM (nothing changed).
  Status Move(Dentry& new_parent, const char* name, size_t length);
  // RENAME_EXCHANGE.
  static void Exchange(Dentry& a, Dentry& b);
  bool IsAncestorOf(const Dentry& other) const;

  // The root of what is mounted here, or null.
  Ref<Dentry> mounted;
  // For a mounted root what it covers (counted by the mount: a covered dentry is pinned), or null.
  const Ref<Dentry>& covers() const { return covers_; }
  void Cover(Ref<Dentry> point);
  // Of a mounted root: how often a walk came in from what it covers (MNT_EXPIRE).
  uint32_t crossings = 0;

  proto::Link sibling{0, 0};
  proto::Link bucket{0, 0};

 private:
  template <typename T, typename... Args>
  friend T* MakeObject(Args&&...);
  template <typename T>
  friend void DestroyObject(T*);
  Dentry(Ref<Dentry> parent, Ref<Inode> inode);
  ~Dentry();
  // Where a name of this length can stand: in the dentry, or in memory of its own. Errors: ENOMEM.
  Result<char*> RoomForName(size_t length);
  void SetName(char* place, const char* name, size_t length);
  void SetParent(Ref<Dentry> parent);
  bool NameIsInline() const { return name() == inline_name_; }
  static void SwapNames(Dentry& a, Dentry& b);

  static constexpr size_t kInlineName = 40;
  uint32_t refs_ = 1;
  uint32_t hash_ = 0;
  Ref<Dentry> parent_;  // `directory`
  Ref<Dentry> covers_;  // `mount_point`
  Ref<Inode> inode_;
  uint64_t cookie_ = 0;
  uint64_t next_cookie_ = kFromNewest + 1;
  proto::Link children_;
  char inline_name_[kInlineName];
};

}  // namespace fv::guest
