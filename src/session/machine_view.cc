// SPDX-License-Identifier: Apache-2.0
#include "src/session/machine_view.h"

#include <string>

#include "vmm/error.h"

namespace fv::session {

inspect::MemoryReader ReaderOf(const vmm::MachineInterface& machine) {
  return {machine.memory().host_base(), machine.memory().size()};
}

inspect::ChannelView ChannelOf(const vmm::MachineInterface& machine) {
  const proto::BootInfo& boot = machine.boot_info();
  absl::StatusOr<inspect::ChannelView> view =
      inspect::ChannelView::Open(ReaderOf(machine), boot.channel_gpa, boot.channel_bytes);
  if (!view.ok()) {
    throw vmm::VmmError(vmm::VmmErrorKind::kBadConfig, std::string(view.status().message()));
  }
  return *view;
}

}  // namespace fv::session
