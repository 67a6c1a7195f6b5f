// SPDX-License-Identifier: Apache-2.0
//
// TrapFrame: the user's registers, saved at the top of the task's kernel stack at every trap. The
// same in both kernel rings and for every kind of trap; entry.S and the C++ code share the
// offsets through the macros below.
#pragma once

#define FV_TRAP_FRAME_BYTES 184

#ifndef __ASSEMBLER__

#include <cstddef>
#include <cstdint>

#include "proto/layout.h"

namespace fv::guest {

// Vector of a system call; exceptions and the tick use the CPU's own vectors.
inline constexpr uint64_t kVectorSyscall = 256;

struct TrapFrame {
  uint64_t r15, r14, r13, r12, rbp, rbx;
  uint64_t r11, r10, r9, r8, rax, rcx, rdx, rsi, rdi;
  uint64_t orig_rax;    // system call number at entry; ~0 for other traps
  uint64_t vector;      // CPU vector, or kVectorSyscall
  uint64_t error_code;  // 0 where the CPU pushes none
  uint64_t rip, cs, rflags, rsp, ss;
};
static_assert(sizeof(TrapFrame) == FV_TRAP_FRAME_BYTES);
static_assert(offsetof(TrapFrame, rip) == 18 * sizeof(uint64_t));

// Where the trap frame of the task with this kernel stack is.
inline TrapFrame* TrapFrameOf(uint64_t stack_base) {
  return reinterpret_cast<TrapFrame*>(stack_base + proto::kKernelStackBytes - sizeof(TrapFrame));
}

}  // namespace fv::guest
#endif
