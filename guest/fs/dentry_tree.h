// SPDX-License-Identifier: Apache-2.0
//
// The dentries of one mount as a tree: its root is the one without a parent.
// Locking: the caller's, over the whole tree.
#pragma once

#include <cstdint>

#include "guest/fs/dentry.h"

namespace fv::guest {

// The dentry after `at` in a walk of the whole tree below `root`, or nullptr.
Dentry* NextInTree(Dentry& root, Dentry& at);
// Somebody other than the tree itself holds a dentry of it; `root` has `known` other holders.
bool TreeBusy(Dentry& root, uint32_t known);
// The root of the tree that `dentry` is in.
const Dentry& RootOf(const Dentry& dentry);
// Removes every name, deepest first.
void EmptyTree(Dentry& root);

}  // namespace fv::guest
