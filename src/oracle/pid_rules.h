// SPDX-License-Identifier: Apache-2.0
//
// I9 as far as process ids go: ids against the tasks, process groups and sessions that have them,
// against the hash that finds them and against their namespaces. Works on copies; cost is linear in
// tasks, ids and namespaces.
#pragma once

#include <span>

#include "src/inspect/snapshot.h"
#include "src/oracle/finding.h"

namespace fv::oracle {

void CheckPids(std::span<const inspect::Task> tasks, const inspect::PidTables& ids,
               Findings& findings);

}  // namespace fv::oracle
