// SPDX-License-Identifier: Apache-2.0
//
// See unused_memory.h.
#include "guest/mm/unused_memory.h"

#include "guest/mm/slab.h"
#include "guest/mm/spare_trees.h"

namespace fv::guest {

void DropUnusedMemory() {
  DropSpareTrees();
  DropEmptySlabs();
}

}  // namespace fv::guest
