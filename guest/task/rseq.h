// SPDX-License-Identifier: Apache-2.0
//
// Restartable sequences (Linux: kernel/rseq.c, <linux/rseq.h>): a thread registers an area in its
// memory; while the area names a critical section and the thread is preempted or takes a signal
// inside it, it goes on at the section's abort address. There is one CPU and one memory node, so
// the numbers that the area shows are written once, at registration. Locking: the task itself.
#pragma once

#include <cstdint>

#include "guest/lib/result.h"

namespace fv::guest {

class Task;
struct TrapFrame;

// Makes the area at `address` show CPU 0 and no critical section. Errors: EFAULT.
Status InitRseqArea(Task& task, uint64_t address);
// Makes the registered area say that nobody keeps it up to date. Errors: EFAULT.
Status ResetRseqArea(Task& task);

// The current task, whose user state is `frame`, was switched away from (`signo` 0) or is about to
// run its handler of `signo`: leaves the critical section that it is in by its abort address. A
// section that is not as the ABI wants it, or memory that is not there, is SIGSEGV, and death if
// the handler is that of SIGSEGV. REQUIRES: an area is registered.
void InterruptRseq(Task& task, TrapFrame& frame, int signo);

}  // namespace fv::guest
