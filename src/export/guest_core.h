// SPDX-License-Identifier: Apache-2.0
//
// A whole guest as a core file, for gdb with the guest kernel's ELF file: RAM at its place in the
// kernel's window, with its guest-physical addresses; the pages of the process on the CPU at theirs
// (the same bytes of the file); the CPU's registers. There is no VMCOREINFO note: it describes
// Linux kernels, and crash(8) reads nothing else.
#pragma once

#include "absl/status/statusor.h"
#include "src/query/listing.h"
#include "src/query/moment.h"

namespace fv::exports {

// Into the empty file `fd`; frames that are free are holes. Notes tell what is missing. Errors:
// Internal (errno text).
absl::StatusOr<query::Answer> WriteGuestCore(const query::Moment& moment, int fd);

}  // namespace fv::exports
