// SPDX-License-Identifier: Apache-2.0
//
// Dentry: names, the global hash by (parent, name), and the lists of directory contents.
#include "guest/fs/dentry.h"

#include <utility>

#include "guest/fs/object.h"
#include "guest/fs/path.h"
#include "guest/lib/string.h"

namespace fv::guest {

namespace {

constexpr size_t kBuckets = 1024;
using Siblings = ListView<Dentry, &Dentry::sibling>;
using Bucket = ListView<Dentry, &Dentry::bucket>;

// Zero until first used: a bucket becomes a list when something is put into it.
constinit proto::Link buckets[kBuckets]{};

uint32_t HashName(const char* name, size_t length) {
  uint32_t hash = 2166136261u;
  for (size_t i = 0; i < length; ++i) {
    hash = (hash ^ static_cast<uint8_t>(name[i])) * 16777619u;
  }
  return hash;
}

proto::Link& BucketOf(const Dentry* parent, uint32_t hash) {
  const uint64_t mixed = (AddressOf(parent) >> 6) * 0x9E3779B97F4A7C15 ^ hash;
  proto::Link& head = buckets[(mixed ^ mixed >> 20) % kBuckets];
  if (!IsLinked(head)) {
    InitHead(head);
  }
  return head;
}

}  // namespace

Dentry::Dentry(Ref<Dentry> parent, Ref<Inode> inode)
    : name_(inline_name_), parent_(std::move(parent)), inode_(std::move(inode)) {
  InitHead(children_);
  inline_name_[0] = '\0';
}

Dentry::~Dentry() {
  if (name_ != inline_name_) {
    KernelFree(name_, size_t{name_length_} + 1);
  }
}

Result<Ref<Dentry>> Dentry::Create(Ref<Dentry> parent, const char* name, size_t length,
                                   Ref<Inode> inode) {
  Dentry* dentry = MakeObject<Dentry>(std::move(parent), std::move(inode));
  if (dentry == nullptr) {
    return Error(ENOMEM);
  }
  Ref<Dentry> ref = Ref<Dentry>::Adopt(dentry);
  dentry->SetName(TRY(dentry->RoomForName(length)), name, length);
  return ref;
}

void Dentry::Release() {
  // A chain of parents is let go in a loop: a deep tree must not overflow the stack.
  Dentry* dentry = this;
  while (dentry != nullptr && --dentry->refs_ == 0) {
    Dentry* parent = dentry->parent_.Leak();
    DestroyObject(dentry);
    dentry = parent;
  }
}

Result<char*> Dentry::RoomForName(size_t length) {
  if (length < kInlineName) {
    return inline_name_;
  }
  char* place = static_cast<char*>(KernelAllocate(length + 1));
  return place != nullptr ? Result<char*>(place) : Result<char*>(Error(ENOMEM));
}

void Dentry::SetName(char* place, const char* name, size_t length) {
  char* old = name_;
  const size_t old_length = name_length_;
  memmove(place, name, length);
  place[length] = '\0';
  name_ = place;
  name_length_ = static_cast<uint8_t>(length);
  hash_ = HashName(place, length);
  if (old != inline_name_) {
    KernelFree(old, old_length + 1);
  }
}

Dentry* Dentry::FindChild(const char* name, size_t length) {
  const uint32_t hash = HashName(name, length);
  for (Dentry& child : Bucket(BucketOf(this, hash))) {
    if (child.hash_ == hash && child.parent_.get() == this && child.name_length_ == length &&
        memcmp(child.name_, name, length) == 0) {
      return &child;
    }
  }
  return nullptr;
}

void Dentry::AddChild(Dentry& child) {
  child.AddRef();
  child.parent_ = Ref<Dentry>(*this);
  child.unlinked_ = false;
  child.cookie_ = next_cookie_++;
  Siblings(children_).PushFront(child);
  Bucket(BucketOf(this, child.hash_)).PushFront(child);
  if (child.inode().IsDirectory()) {
    ++inode().links;
  }
  inode().TouchModify();
}

void Dentry::RemoveChild(Dentry& child) {
  Unlink(child.sibling);
  Unlink(child.bucket);
  child.unlinked_ = true;
  if (child.inode().IsDirectory()) {
    --inode().links;
  }
  inode().TouchModify();
  child.Release();
}

Dentry* Dentry::ChildBelow(uint64_t cookie) {
  for (Dentry& child : Siblings(children_)) {
    if (cookie == kFromNewest || child.cookie_ < cookie) {
      return &child;
    }
  }
  return nullptr;
}

Dentry* Dentry::ChildAfter(Dentry& child) { return Siblings(children_).Next(child); }

Status Dentry::Move(Dentry& new_parent, const char* name, size_t length) {
  char* place = TRY(RoomForName(length));
  const Ref<Dentry> keep(*this);
  const Ref<Dentry> old_parent = parent_;
  old_parent->RemoveChild(*this);
  SetName(place, name, length);
  new_parent.AddChild(*this);
  return Ok();
}

void Dentry::SwapNames(Dentry& a, Dentry& b) {
  char* const name_a = a.name_ == a.inline_name_ ? b.inline_name_ : a.name_;
  char* const name_b = b.name_ == b.inline_name_ ? a.inline_name_ : b.name_;
  std::swap(a.inline_name_, b.inline_name_);
  a.name_ = name_b;
  b.name_ = name_a;
  std::swap(a.name_length_, b.name_length_);
  std::swap(a.hash_, b.hash_);
}

void Dentry::Exchange(Dentry& a, Dentry& b) {
  const Ref<Dentry> keep_a(a);
  const Ref<Dentry> keep_b(b);
  const Ref<Dentry> parent_a = a.parent_;
  const Ref<Dentry> parent_b = b.parent_;
  parent_a->RemoveChild(a);
  parent_b->RemoveChild(b);
  SwapNames(a, b);
  parent_b->AddChild(a);
  parent_a->AddChild(b);
}

bool Dentry::IsAncestorOf(const Dentry& other) const {
  for (const Dentry* at = &other; at != nullptr; at = at->parent_.get()) {
    if (at == this) {
      return true;
    }
    if (!at->parent_ && at->covers) {
      at = at->covers.get();
    }
  }
  return false;
}

size_t Dentry::MappingPath(char* out, size_t capacity) const {
  char path[512];
  const Result<size_t> length = FormatPath(*this, *RootDentry(), path, sizeof(path));
  const size_t bytes = length.ok() ? (length.value() < capacity ? length.value() : capacity) : 0;
  memcpy(out, path, bytes);
  return bytes;
}

uint64_t Dentry::MappingDevice() const { return inode_->superblock().device; }
uint64_t Dentry::MappingInode() const { return inode_->number(); }

}  // namespace fv::guest
