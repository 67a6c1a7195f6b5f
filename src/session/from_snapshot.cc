// SPDX-License-Identifier: Apache-2.0
//
// See from_snapshot.h.
#include "src/session/from_snapshot.h"

#include <cstddef>
#include <utility>

#include "proto/channel.h"
#include "vmm/error.h"
#include "vmm/snapshot/hash.h"
#include "vmm/snapshot/snapshot_file.h"

namespace fv::session {

SnapshotGuest StartFromSnapshot(const SnapshotGuestOptions& options) {
  SnapshotGuest result;
  result.snapshot = vmm::ReadSnapshotFile(options.file, vmm::HashBytes(options.kernel_image));
  result.guest.kvm = vmm::Kvm::Open(options.kvm_device);
  vmm::WatchdogConfig watchdog;
  watchdog.wall_limit_ns = options.timeout_ns;
  auto machine = std::make_unique<vmm::Machine>(*result.guest.kvm, result.snapshot, watchdog);
  result.guest.on_kvm = machine.get();
  result.guest.machine = std::move(machine);
  result.guest.initrd_bytes = result.snapshot->boot.initrd_bytes;
  return result;
}

void SetObserved(vmm::Machine& machine, uint64_t event_mask, uint32_t boot_flags) {
  const uint64_t mask_gpa = machine.channel_gpa() + offsetof(proto::ChannelHeader, event_mask);
  const uint64_t flags_gpa = proto::kBootInfoPhys + offsetof(proto::BootInfo, flags);
  const uint32_t flags = (machine.boot_info().flags & ~uint32_t{proto::kBootSafepoints}) |
                         (boot_flags & proto::kBootSafepoints);
  if (!machine.memory().Store(mask_gpa, event_mask | proto::kEventsAlways) ||
      !machine.memory().Store(flags_gpa, flags)) {
    throw vmm::VmmError(vmm::VmmErrorKind::kBadConfig, "the channel is not in guest memory");
  }
}

}  // namespace fv::session
