// SPDX-License-Identifier: Apache-2.0
//
// See the header.
#include "src/oracle/process_cache.h"

#include <algorithm>
#include <cstring>

#include "src/inspect/structures.h"
#include "src/oracle/full_checker.h"
#include "src/oracle/process_rules.h"

namespace fv::oracle {

std::vector<uint64_t> ProcessCache::ReadRoots(const proto::ChannelHeader& header) const {
  constexpr uint64_t kMostBuckets = 4096;
  std::vector<uint64_t> roots;
  const auto add = [&](proto::GuestPtr head) {
    proto::Link link{};
    memory_.ReadPtr(head, link);
    roots.push_back(link.next);
    roots.push_back(link.prev);
  };
  for (const proto::GuestPtr head :
       {header.users, header.open_files, header.fd_tables, header.fs_contexts}) {
    add(head);
  }
  uint64_t timer = 0;
  memory_.ReadPtr(header.timers, timer);
  roots.push_back(timer);
  roots.push_back(header.timer_deadline_tsc != 0);
  for (uint64_t i = 0; i < std::min(header.futex_bucket_count, kMostBuckets); ++i) {
    add(header.futex_buckets + i * sizeof(proto::Link));
  }
  return roots;
}

// Tasks are written at every step, what is pending for them hardly ever changes.
bool ProcessCache::Written(const DirtyBits& dirty) const {
  return std::any_of(tables_.frames.begin(), tables_.frames.end(),
                     [&](uint64_t pfn) { return dirty.Frame(pfn); }) ||
         std::any_of(tables_.pending.begin(), tables_.pending.end(),
                     [&](const inspect::PendingSignals& pending) {
                       proto::PendingRecord now;
                       return dirty.Record(pending.head.address, sizeof(now)) &&
                              (!memory_.ReadPtr(pending.head.address, now) ||
                               std::memcmp(&now, &pending.head.record, sizeof(now)) != 0);
                     });
}

void ProcessCache::Refresh(const Input& input, Findings& findings) {
  std::vector<uint64_t> roots = ReadRoots(input.header);
  const ProcessView view{input.header, input.tasks, input.cpus, input.slabs, tables_};
  if (broken_ || roots != roots_ || input.changed == TasksChanged::kYes || Written(input.dirty)) {
    roots_ = std::move(roots);
    std::vector<inspect::Malformed> malformed;
    tables_ = inspect::ReadProcessTables(memory_, input.header, input.tasks, malformed);
    broken_ = !malformed.empty();
    AddMalformed(malformed, findings);
    CheckShares(view, findings);
  }
  CheckWaiting(view, findings);
}

}  // namespace fv::oracle
