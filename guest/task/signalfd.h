// SPDX-License-Identifier: Apache-2.0
//
// signalfd(2): pending signals read as records from a file.
#pragma once

#include <cstdint>

#include "guest/fs/file.h"
#include "guest/lib/result.h"
#include "guest/task/signal_abi.h"

namespace fv::guest {

// `flags` of O_NONBLOCK. Errors: ENOMEM.
Result<Ref<File>> MakeSignalfd(SigSet mask, uint32_t flags);
// Changes the mask. Errors: EINVAL (no signalfd).
Status SetSignalfdMask(File& file, SigSet mask);
// A signal became pending somewhere: readers look again.
void WakeSignalfds();

}  // namespace fv::guest
