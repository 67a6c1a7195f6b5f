// SPDX-License-Identifier: Apache-2.0
//
// The notes of a core file as Linux writes them for x86-64 (fs/binfmt_elf.c there; elf(5)): of each
// thread NT_PRSTATUS, NT_FPREGSET, NT_X86_XSTATE, the dying one first; behind its status those of
// the process: NT_PRPSINFO, NT_SIGINFO, NT_AUXV, NT_FILE. Context: no thread of the group runs.
#pragma once

#include "guest/fs/text_buffer.h"
#include "guest/task/signal_abi.h"
#include "guest/task/task.h"

namespace fv::guest {

// Appends them all; out.failed() when memory ran out.
void AddCoreNotes(TextBuffer& out, Task& dying, const SigInfo& info);

}  // namespace fv::guest
