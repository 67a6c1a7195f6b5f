// SPDX-License-Identifier: Apache-2.0
//
// The stub's data page (FV_STUB_DATA_PHYS), at the same address in every page-table root. In ring 3
// the stub (stub.S) runs on it in ring 0, a dozen emulated instructions at a time; the kernel
// prepares everything natively so that the stub only has to move words.
//
//   +0x000  words below
//   +0x400  top of the double-fault stack (grows down to +0x200)
//   +0x1000 top of the trap stack: where the CPU pushes a trap's frame in ring 3
#pragma once

#include "proto/layout.h"

#define FV_STUB_DATA (FV_KERNEL_BASE + FV_STUB_DATA_PHYS)

// Offsets of the words.
#define FV_STUB_RAX_OR_ROOT 0x00  /* ring 3: CR3 of the kernel; from a trap on, the user's RAX */
#define FV_STUB_USER_ROOT 0x08    /* ring 3: CR3 of the next return to user code */
#define FV_STUB_USER_RAX 0x10     /* ring 3: RAX of the next return to user code */
#define FV_STUB_KERNEL_ROOT 0x18  /* CR3 of the kernel */
#define FV_STUB_SAVED_CR2 0x20    /* ring 3: CR2 at a page fault */
#define FV_STUB_VECTOR 0x28       /* ring 3: vector of the trap; the kernel presets 14 */
#define FV_STUB_USER_RSP 0x30     /* SYSCALL on hardware: the user's RSP */
#define FV_STUB_STACK_TOP 0x38    /* ring 0, SYSCALL: top of the current kernel stack */
#define FV_STUB_KERNEL_RING 0x40  /* 0 or 3 */
#define FV_STUB_ENTRY_FRAME 0x80  /* ring 3: IRET frame into the kernel (5 words) */
#define FV_STUB_RETURN_FRAME 0xc0 /* ring 3: IRET frame to user code (5 words) */
#define FV_STUB_DOUBLE_FAULT_TOP 0x400
#define FV_STUB_TRAP_STACK_TOP 0x1000

#ifndef __ASSEMBLER__
#include <cstddef>
#include <cstdint>

namespace fv::guest {

struct IretFrame {
  uint64_t rip, cs, rflags, rsp, ss;
};

struct StubData {
  uint64_t rax_or_root;
  uint64_t user_root;
  uint64_t user_rax;
  uint64_t kernel_root;
  uint64_t saved_cr2;
  uint64_t vector;
  uint64_t user_rsp;
  uint64_t stack_top;
  uint64_t kernel_ring;
  uint64_t unused[7];
  IretFrame entry_frame;
  uint64_t padding[3];
  IretFrame return_frame;
};
static_assert(offsetof(StubData, kernel_root) == FV_STUB_KERNEL_ROOT);
static_assert(offsetof(StubData, user_root) == FV_STUB_USER_ROOT);
static_assert(offsetof(StubData, user_rax) == FV_STUB_USER_RAX);
static_assert(offsetof(StubData, rax_or_root) == FV_STUB_RAX_OR_ROOT);
static_assert(offsetof(StubData, saved_cr2) == FV_STUB_SAVED_CR2);
static_assert(offsetof(StubData, vector) == FV_STUB_VECTOR);
static_assert(offsetof(StubData, user_rsp) == FV_STUB_USER_RSP);
static_assert(offsetof(StubData, stack_top) == FV_STUB_STACK_TOP);
static_assert(offsetof(StubData, kernel_ring) == FV_STUB_KERNEL_RING);
static_assert(offsetof(StubData, entry_frame) == FV_STUB_ENTRY_FRAME);
static_assert(offsetof(StubData, return_frame) == FV_STUB_RETURN_FRAME);

inline volatile StubData& Stub() { return *reinterpret_cast<volatile StubData*>(FV_STUB_DATA); }

}  // namespace fv::guest
#endif
