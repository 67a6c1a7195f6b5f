// SPDX-License-Identifier: Apache-2.0
//
// A snapshot in a file. A header, a table of sections with a checksum each, the sections; pages of
// RAM that are zero are left out, the others stand page aligned, so that machines map them as they
// are. A file is complete or not there: it is written under another name, synchronised, renamed.
// docs/snapshots.md describes the bytes.
//
// A file is not to be changed while a snapshot of it is in use; writing a new one over it by
// WriteSnapshotFile does no harm to those who read the old one.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "vmm/snapshot/snapshot.h"

namespace fv::vmm {

inline constexpr uint32_t kSnapshotFileVersion = 1;

// Throws VmmError; then `path` is as it was.
void WriteSnapshotFile(const Snapshot& snapshot, const std::string& path);

// Every word is checked before it is used. `kernel_id`: of the kernel that this build would boot; a
// snapshot of another one is refused. nullopt: of any, to be looked at. Throws VmmError:
// kBadConfig, with the reason, for whatever is wrong with the file.
std::shared_ptr<const Snapshot> ReadSnapshotFile(const std::string& path,
                                                 std::optional<uint64_t> kernel_id);

// Whether a file begins as a snapshot does. False for what cannot be read.
bool IsSnapshotFile(const std::string& path);

}  // namespace fv::vmm
