// SPDX-License-Identifier: Apache-2.0
//
// Guests that begin in the middle: from a snapshot in a file (docs/snapshots.md).
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "src/session/guest.h"
#include "vmm/snapshot/snapshot.h"

namespace fv::session {

struct SnapshotGuestOptions {
  std::string file;
  std::span<const uint8_t> kernel_image;  // of the build: the guest's must be the same
  uint64_t timeout_ns = 0;
  std::string kvm_device = vmm::kKvmDevice;
};

struct SnapshotGuest {
  Guest guest;
  std::shared_ptr<const vmm::Snapshot> snapshot;
};

// Throws vmm::VmmError: kBadConfig, with the reason, for a file that cannot be used here.
SnapshotGuest StartFromSnapshot(const SnapshotGuestOptions& options);

// What this run wants to hear of the guest, whatever the one before wanted. The machine stands
// still. `boot_flags`: only kBootSafepoints counts; the others are for ever as they were at boot.
void SetObserved(vmm::Machine& machine, uint64_t event_mask, uint32_t boot_flags);

}  // namespace fv::session
