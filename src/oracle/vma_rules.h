// SPDX-License-Identifier: Apache-2.0
//
// I10 for one address space, and the VMA half of the reference model of fork.
#pragma once

#include <span>

#include "src/inspect/snapshot.h"
#include "src/oracle/finding.h"

namespace fv::oracle {

// List and tree agree, VMAs are aligned, sorted, disjoint and in user space, totals are right.
void CheckVmas(const inspect::Mm& mm, Findings& findings);

// Right after a fork: the child has the parent's VMAs, in order, less those marked kVmDontCopy.
void CheckForkVmas(const inspect::Mm& parent, const inspect::Mm& child, Findings& findings);

// The VMA that covers `address`, or null. `vmas` is sorted, as CheckVmas demands; on an unsorted
// list the answer may be null.
const proto::VmaRecord* FindVma(std::span<const inspect::Vma> vmas, uint64_t address);

}  // namespace fv::oracle
