// SPDX-License-Identifier: Apache-2.0
//
// Memory that the kernel keeps only to be faster: page tables of ended processes, slabs without an
// object. Context: no cache's lock is held.
#pragma once

namespace fv::guest {

// Gives all of it back. What is in use afterwards is in use by somebody.
void DropUnusedMemory();

}  // namespace fv::guest
