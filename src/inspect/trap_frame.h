// SPDX-License-Identifier: Apache-2.0
//
// The user's registers as the guest kernel saves them at the top of a task's kernel stack. The
// layout is the kernel's (guest/arch/trap_frame.h); gdb/registers_test holds the two together.
#pragma once

#include <cstdint>

#include "proto/layout.h"

namespace fv::inspect {

struct TrapFrame {
  uint64_t r15, r14, r13, r12, rbp, rbx;
  uint64_t r11, r10, r9, r8, rax, rcx, rdx, rsi, rdi;
  uint64_t orig_rax;
  uint64_t vector;
  uint64_t error_code;
  uint64_t rip, cs, rflags, rsp, ss;
};

// Of the task with this kernel stack (TaskRecord::stack).
constexpr uint64_t TrapFrameAt(uint64_t stack) {
  return stack + proto::kKernelStackBytes - sizeof(TrapFrame);
}

// Where the address of its saved floating-point registers stands, an area of FXSAVE or XSAVE; 0
// there: the CPU has them (guest/task/task_internal.h, TellSavedFpu).
constexpr uint64_t SavedFpuAt(uint64_t stack) { return stack + 3 * sizeof(uint64_t); }

}  // namespace fv::inspect
