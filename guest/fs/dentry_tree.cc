// SPDX-License-Identifier: Apache-2.0
#include "guest/fs/dentry_tree.h"

namespace fv::guest {

Dentry* NextInTree(Dentry& root, Dentry& at) {
  if (Dentry* child = at.FirstChild(); child != nullptr) {
    return child;
  }
  Dentry* up = &at;
  while (up != &root) {
    Dentry* parent = up->parent().get();
    if (Dentry* next = parent->ChildAfter(*up); next != nullptr) {
      return next;
    }
    up = parent;
  }
  return nullptr;
}

bool TreeBusy(Dentry& root, uint32_t known) {
  for (Dentry* at = &root; at != nullptr; at = NextInTree(root, *at)) {
    uint32_t expected = at == &root ? known : 1;
    for (Dentry* child = at->FirstChild(); child != nullptr; child = at->ChildAfter(*child)) {
      ++expected;
    }
    if (at->refs() > expected) {
      return true;
    }
  }
  return false;
}

const Dentry& RootOf(const Dentry& dentry) {
  const Dentry* at = &dentry;
  while (at->parent()) {
    at = at->parent().get();
  }
  return *at;
}

void EmptyTree(Dentry& root) {
  Dentry* at = &root;
  for (;;) {
    if (Dentry* child = at->FirstChild(); child != nullptr) {
      at = child;
      continue;
    }
    if (at == &root) {
      return;
    }
    Dentry* parent = at->parent().get();
    parent->RemoveChild(*at);
    at = parent;
  }
}

}  // namespace fv::guest
