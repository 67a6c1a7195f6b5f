// SPDX-License-Identifier: Apache-2.0
//
// Setting the alternate signal stack (sigaltstack(2)).
#pragma once

#include <cstdint>

#include "guest/lib/result.h"
#include "guest/task/signal_abi.h"

namespace fv::guest {

class Task;

// `sp`: the caller's stack pointer. Errors: EPERM (running on it), EINVAL, ENOMEM (too small).
Status SetAlternateStack(Task& task, const SigStack& wanted, uint64_t sp);

}  // namespace fv::guest
