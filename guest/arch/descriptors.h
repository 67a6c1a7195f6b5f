// SPDX-License-Identifier: Apache-2.0
//
// GDT, IDT, TSS and the stub's page tables: the tables that the CPU itself reads at a trap.
#pragma once

#include <cstdint>

#include "proto/pte.h"

namespace fv::guest {

// Fills the stub's pages for a kernel in `kernel_ring`. Called once, before the first trap.
void InitDescriptors(unsigned kernel_ring);
// Ring 0: vectors that may come at any instruction, also where RSP is still or already the user's
// (NMI, double fault, machine check): they have a stack of their own, and end in a panic.
bool UsesLastStack(uint64_t vector);
// Ring 0: where the CPU pushes the frame of a trap from user code.
void SetTrapStack(uint64_t top);
// Ring 3: PML4 entry of the kernel's window in process roots (the stub's pages alone).
proto::Pte StubWindowEntry();

}  // namespace fv::guest
