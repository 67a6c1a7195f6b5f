// SPDX-License-Identifier: Apache-2.0
//
// Core files (core(5)).
#pragma once

#include "guest/task/signal_abi.h"
#include "guest/task/task.h"

namespace fv::guest {

// The current task dies of `info`, whose default action is to dump core: writes the file if
// RLIMIT_CORE, dumpable and core_pattern allow it. True if there is a file, which the wait status
// tells (WCOREDUMP): it may be cut at the limit, or where the file system had no more room.
bool DumpCore(Task& task, const SigInfo& info);

}  // namespace fv::guest
