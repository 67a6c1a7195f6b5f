// SPDX-License-Identifier: Apache-2.0
//
// A guest's RAM as a file: byte i is guest-physical address i; what was never used is a hole. QEMU
// keeps its memory like this (memory-backend-file). Or a snapshot (vmm/snapshot/snapshot_file.h),
// which has RAM and more.
#pragma once

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "src/query/moment.h"

namespace fv::query {

// Writes the frames in use. The file appears whole or not at all. Errors: Internal, with the errno
// text.
absl::Status SaveMemory(const Moment& moment, const std::string& path);

// Of either kind. Errors: NotFound, InvalidArgument (the size is no guest's; what is wrong with a
// snapshot), DataLoss and FailedPrecondition (no guest of this build).
absl::StatusOr<Moment> LoadMemory(const std::string& path);

}  // namespace fv::query
