// SPDX-License-Identifier: Apache-2.0
//
// A machine's memory as the outside view reads it.
#pragma once

#include "src/inspect/channel_view.h"
#include "src/inspect/memory_reader.h"
#include "vmm/machine_interface.h"

namespace fv::session {

// Lives as long as the machine.
inspect::MemoryReader ReaderOf(const vmm::MachineInterface& machine);
// Throws VmmError (kBadConfig) if the guest has already spoiled the channel.
inspect::ChannelView ChannelOf(const vmm::MachineInterface& machine);

}  // namespace fv::session
