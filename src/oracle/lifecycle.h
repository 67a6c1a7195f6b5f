// SPDX-License-Identifier: Apache-2.0
//
// What fork, exec and exit may do to tasks and what they share, given the moment before, the moment
// now and the events in between: I17 to I20. Memory is transition.h's business.
//
// At a safepoint the operation that owed it is over and no user code has run since, so what a
// child, a new program or a dead task should look like can be read off as it is now.
#pragma once

#include <compare>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "proto/events.h"
#include "src/inspect/memory_reader.h"
#include "src/oracle/finding.h"
#include "src/oracle/mm_cache.h"
#include "src/oracle/process_rules.h"

namespace fv::oracle {

// The state that the rules look at.
struct Moment {
  ProcessView processes;
  const inspect::PidTables& ids;
  const MmCache& mms;
  const inspect::MemoryReader& memory;
};

// Every count that an operation can get wrong, by the structure that it is in. Two are equal only
// if the kernel holds the same.
class Footprint {
 public:
  Footprint() = default;
  explicit Footprint(const Moment& moment);
  // "credentials 0x7000003a1040 had 1, credentials 0x7000003a1040 has 2, ..."; empty if they are
  // equal.
  std::string Difference(const Footprint& now) const;

 private:
  struct Count {
    std::string_view what;
    proto::GuestPtr address;
    uint64_t value;
    auto operator<=>(const Count&) const = default;
  };
  void Add(std::string_view what, proto::GuestPtr address, uint64_t value) {
    counts_.push_back({what, address, value});
  }
  std::vector<Count> counts_;  // as they were read
};

class LifecycleChecker {
 public:
  // Judges what happened since the last call.
  void Check(const Moment& now, std::span<const proto::EventRecord> events, Findings& findings);
  // Makes `now` the moment before. After a gap that nobody saw, `Forget` comes first.
  void Remember(const Moment& now);
  void Forget();

  static uint64_t RequiredEvents();

 private:
  struct Vfork {
    uint32_t parent;
    uint32_t child;
    proto::GuestPtr mm;
  };
  void CheckFailedFork(const Moment& now, std::span<const proto::EventRecord> events,
                       Findings& findings) const;
  void CheckExits(const Moment& now, std::span<const proto::EventRecord> events,
                  Findings& findings) const;
  void FollowVforks(const Moment& now, std::span<const proto::EventRecord> events,
                    Findings& findings);

  bool known_ = false;
  std::vector<inspect::Task> tasks_;
  uint64_t syscalls_ = 0;
  Footprint footprint_;
  std::vector<Vfork> vforks_;
};

// The task with this pid; nullptr if it is not on the list.
const inspect::Task* FindTask(std::span<const inspect::Task> tasks, uint32_t pid);

// ---- fork_child_rules.cc: I17, for a fork that succeeded ---------------------------------------
// What else happened since the fork began.
struct SinceFork {
  bool signals;   // to whomever: masks and pending signals may have changed
  bool switches;  // calls of other tasks may have gone on
};
void CheckForkChild(const Moment& now, const proto::EventRecord& begin,
                    const proto::EventRecord& end, SinceFork since, Findings& findings);
// ---- exec_rules.cc: I19 ------------------------------------------------------------------------
void CheckExec(const Moment& now, const proto::EventRecord& exec, Findings& findings);
// ---- exit_rules.cc: I20 ------------------------------------------------------------------------
// `before`: the dead thread as it last was.
void CheckExitMemory(const Moment& now, const proto::TaskRecord& before, Findings& findings);
// `events`: since it died at the latest.
void CheckParentTold(const Moment& now, const proto::EventRecord& exit,
                     std::span<const proto::EventRecord> events, Findings& findings);

}  // namespace fv::oracle
