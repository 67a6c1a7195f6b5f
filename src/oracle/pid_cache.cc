// SPDX-License-Identifier: Apache-2.0
//
// See the header.
#include "src/oracle/pid_cache.h"

#include <algorithm>
#include <cstring>
#include <vector>

#include "src/inspect/structures.h"
#include "src/oracle/full_checker.h"
#include "src/oracle/pid_rules.h"

namespace fv::oracle {

using inspect::Pid;
using inspect::PidNumber;
using inspect::PidSpace;

PidCache::Roots PidCache::ReadRoots(const proto::ChannelHeader& header) const {
  Roots roots{header.pid_numbers, header.pid_number_buckets, {}, {}};
  memory_.ReadPtr(header.pids, roots.pids);
  memory_.ReadPtr(header.pid_namespaces, roots.spaces);
  return roots;
}

// Everything was readable when last read, so every address is one of RAM.
bool PidCache::Touched(const DirtyBits& dirty) const {
  const auto written = [&](const Pid& pid) {
    return dirty.Record(pid.address, sizeof(pid.record)) ||
           std::any_of(pid.numbers.begin(), pid.numbers.end(), [&](const PidNumber& number) {
             return dirty.Record(number.address, sizeof(number.record));
           });
  };
  return dirty.Record(roots_.numbers, roots_.buckets * sizeof(proto::Link)) ||
         std::any_of(tables_.pids.begin(), tables_.pids.end(), written) ||
         std::any_of(tables_.spaces.begin(), tables_.spaces.end(), [&](const PidSpace& space) {
           return dirty.Record(space.address, sizeof(space.record));
         });
}

void PidCache::Refresh(const proto::ChannelHeader& header, const DirtyBits& dirty,
                       std::span<const inspect::Task> tasks, TasksChanged changed,
                       Findings& findings) {
  const Roots roots = ReadRoots(header);
  static_assert(sizeof(Roots) == 48, "no padding: compared as bytes");
  const bool moved = std::memcmp(&roots, &roots_, sizeof(roots)) != 0;
  if (!broken_ && !moved && changed == TasksChanged::kNo && !Touched(dirty)) {
    return;
  }
  roots_ = roots;
  std::vector<inspect::Malformed> malformed;
  tables_ = inspect::ReadPidTables(memory_, header, malformed);
  broken_ = !malformed.empty();
  AddMalformed(malformed, findings);
  CheckPids(tasks, tables_, findings);
}

}  // namespace fv::oracle
