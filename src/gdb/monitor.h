// SPDX-License-Identifier: Apache-2.0
//
// `monitor` commands: the questions of forkvisor inspect about the guest as it stands, and the
// oracle's look at it.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "vmm/machine_interface.h"

namespace fv::gdb {

struct MonitorOptions {
  // Names of the kernel's fork strategies, for ps.
  std::vector<std::string> strategies;
};

// What `words` ask, as text for the user, errors too. `pid`: of the selected thread, for maps and
// pt without one; nullopt: none.
std::string AnswerMonitor(const vmm::MachineInterface& machine, const MonitorOptions& options,
                          std::optional<uint32_t> pid, std::vector<std::string> words);

}  // namespace fv::gdb
