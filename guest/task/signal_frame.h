// SPDX-License-Identifier: Apache-2.0
//
// The frame of a signal handler on the user's stack, as x86-64 Linux lays it out, and the way back
// from it. The layout itself (PlaceSignalFrame) is pure and unit tested.
#pragma once

#include <cstdint>

#include "guest/lib/result.h"
#include "guest/task/signal_abi.h"

namespace fv::guest {

class Task;
struct TrapFrame;

// Where the parts of a frame go.
struct SignalFramePlace {
  uint64_t fpu;    // 64-byte aligned
  uint64_t frame;  // RtSigFrame; frame + 8 is 16-byte aligned (the ABI at a function's entry)
};
// `sp`: the stack pointer to start from (red zone already left out); `fpu_bytes`: with the trailing
// magic word.
SignalFramePlace PlaceSignalFrame(uint64_t sp, uint64_t fpu_bytes);

// Bytes that a frame takes at most (AT_MINSIGSTKSZ).
uint64_t SignalFrameBytes();

// Makes the current task enter `action.handler`. Errors: EFAULT (the stack cannot hold the frame).
Status SetUpSignalFrame(Task& task, TrapFrame& frame, const SigAction& action, const SigInfo& info,
                        SigSet old_mask);
// rt_sigreturn(2): restores what the frame below the stack pointer says. Errors: EFAULT.
Status RestoreSignalFrame(Task& task, TrapFrame& frame);

bool OnAlternateStack(const Task& task, uint64_t sp);
// sigaltstack(2) as rt_sigreturn does it: what cannot be set is ignored.
void RestoreAlternateStack(Task& task, const SigStack& stack);

}  // namespace fv::guest
