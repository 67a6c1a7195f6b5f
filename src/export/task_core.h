// SPDX-License-Identifier: Apache-2.0
//
// A process of a guest as a core file, as if it had dumped core at that moment: for gdb with the
// program's file. Notes as Linux writes them, but for what the host cannot see: the cause
// (NT_SIGINFO).
#pragma once

#include <cstdint>

#include "absl/status/statusor.h"
#include "src/query/listing.h"
#include "src/query/moment.h"

namespace fv::exports {

// The thread group of `pid`, whose status comes first, into the empty file `fd`. Notes tell what is
// missing. Errors: NotFound (no such task, or it has no address space), Internal (errno text),
// ResourceExhausted (too many mappings).
absl::StatusOr<query::Answer> WriteTaskCore(const query::Moment& moment, uint32_t pid, int fd);

}  // namespace fv::exports
