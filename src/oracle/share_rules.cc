// SPDX-License-Identifier: Apache-2.0
//
// I15. A count may be higher than what is found where a call in progress, a message or a task that
// was released but is still referred to may hold the rest; each rule says where that can be.
#include <cstring>
#include <string>
#include <unordered_map>
#include <unordered_set>

#include "src/inspect/list_walk.h"
#include "src/inspect/render.h"
#include "src/oracle/process_rules.h"

namespace fv::oracle {
namespace {

using inspect::Hex;
using inspect::Task;
using proto::GuestPtr;
using proto::TaskRecord;

using Counts = std::unordered_map<GuestPtr, uint64_t>;

uint64_t CountIn(const Counts& counts, GuestPtr address) {
  const auto it = counts.find(address);
  return it == counts.end() ? 0 : it->second;
}

class ShareRules {
 public:
  ShareRules(const ProcessView& view, Findings& findings) : view_(view), findings_(findings) {}

  void Check() {
    CheckTaskShares();
    CheckThreads();
    CheckZombies();
    CheckFiles();
    CheckPending();
    CheckUsers();
  }

 private:
  void Add(Rule rule, GuestPtr address, std::string sentence) {
    findings_.Add(rule, std::move(sentence)).address = address;
  }

  void Add(Rule rule, const Task& task, std::string sentence) {
    Finding& finding = findings_.Add(rule, std::move(sentence));
    finding.address = task.address;
    finding.pid = task.record.pid;
    finding.comm = inspect::CommText(task.record);
  }

  // How many tasks name each value of a field.
  Counts TasksBy(GuestPtr TaskRecord::*field) const {
    Counts counts;
    counts.reserve(view_.tasks.size());
    for (const Task& task : view_.tasks) {
      if (task.record.*field != 0) {
        ++counts[task.record.*field];
      }
    }
    return counts;
  }

  uint64_t Active(const char* cache) const {
    uint64_t active = 0;
    for (const inspect::SlabCache& slab : view_.slabs) {
      if (std::strncmp(slab.record.name, cache, sizeof(slab.record.name)) == 0) {
        active += slab.record.active_objects;
      }
    }
    return active;
  }

  // A task that was released and is still referred to has its credentials yet.
  bool OffList() const {
    uint64_t idle = 0;
    for (const proto::CpuRecord& cpu : view_.cpus) {
      idle += cpu.idle != 0 ? 1 : 0;
    }
    return Active("task_struct") != view_.tasks.size() + idle;
  }

  void Compare(const char* what, GuestPtr address, uint64_t counted, uint64_t found) {
    if (counted != found) {
      Add(Rule::kShareCount, address,
          std::string(what) + " counts " + std::to_string(counted) + " tasks, " +
              std::to_string(found) + " name it");
    }
  }

  void CheckTaskShares() {
    const inspect::ProcessTables& tables = view_.tables;
    const Counts handlers = TasksBy(&TaskRecord::sighand);
    for (const inspect::Handlers& at : tables.handlers) {
      Compare("the table of signal handlers", at.address, at.refs, CountIn(handlers, at.address));
    }
    const Counts groups = TasksBy(&TaskRecord::signal);
    for (const inspect::SignalGroup& at : tables.groups) {
      Compare("the signal structure", at.address, at.record.refs, CountIn(groups, at.address));
    }
    const Counts files = TasksBy(&TaskRecord::files);
    for (const inspect::FdTable& at : tables.fd_tables) {
      Compare("the descriptor table", at.address, at.users, CountIn(files, at.address));
    }
    const Counts directories = TasksBy(&TaskRecord::fs);
    for (const auto& at : tables.fs) {
      Compare("the working directory", at.address, at.record.users,
              CountIn(directories, at.address));
    }
    const bool off_list = OffList();
    const Counts credentials = TasksBy(&TaskRecord::credentials);
    for (const auto& at : tables.credentials) {
      const uint64_t found = CountIn(credentials, at.address);
      if (at.record.refs < found || !off_list) {
        Compare("the credentials", at.address, at.record.refs, found);
      }
    }
    CheckListed("descriptor table", files, tables.fd_tables);
    CheckListed("working directory", directories, tables.fs);
  }

  template <typename Listed>
  void CheckListed(const char* what, const Counts& named, const Listed& listed) {
    std::unordered_set<GuestPtr> known;
    for (const auto& at : listed) {
      known.insert(at.address);
    }
    for (const auto& [address, tasks] : named) {
      if (known.count(address) == 0) {
        Add(Rule::kShareCount, address,
            std::to_string(tasks) + " tasks name a " + what + " that is on no list");
      }
    }
  }

  void CheckThreads() {
    Counts live;
    for (const Task& task : view_.tasks) {
      live[task.record.signal] += (task.record.flags & proto::kTaskExiting) == 0 ? 1 : 0;
    }
    for (const inspect::SignalGroup& group : view_.tables.groups) {
      const uint64_t found = CountIn(live, group.address);
      if (group.record.live != found) {
        Add(Rule::kLiveThreads, group.address,
            "the group counts " + std::to_string(group.record.live) + " live threads, " +
                std::to_string(found) + " of its tasks have not begun to exit");
      }
    }
  }

  void CheckZombies() {
    for (const Task& task : view_.tasks) {
      const TaskRecord& record = task.record;
      if (record.state != proto::TaskState::kZombie) {
        continue;
      }
      for (const auto& [what, held] : {std::pair{"descriptors", record.files},
                                       {"a working directory", record.fs},
                                       {"its program's file", record.exe_file},
                                       {"a parent that sleeps in vfork", record.vfork_done}}) {
        if (held != 0) {
          Add(Rule::kZombieHolds, task, std::string("it is a zombie and still has ") + what);
        }
      }
    }
  }

  void CheckFiles() {
    std::unordered_set<GuestPtr> listed;
    for (const auto& file : view_.tables.files) {
      listed.insert(file.address);
    }
    Counts held;
    for (const inspect::FdTable& table : view_.tables.fd_tables) {
      uint32_t first_free = 0;
      for (const inspect::FdSlot& slot : table.slots) {
        first_free += slot.fd == first_free ? 1 : 0;
        if (slot.file == 0) {
          continue;
        }
        ++held[slot.file];
        if (listed.count(slot.file) == 0) {
          Add(Rule::kDescriptors, table.address,
              "descriptor " + std::to_string(slot.fd) + " names " + Hex(slot.file) +
                  ", which is no open file");
        }
      }
      if (table.open != table.slots.size() || table.lowest_free > first_free) {
        Add(Rule::kDescriptors, table.address,
            "the table counts " + std::to_string(table.open) +
                " descriptors, the lowest free one " + std::to_string(table.lowest_free) +
                " or above; it has " + std::to_string(table.slots.size()) + ", and " +
                std::to_string(first_free) + " is free");
      }
    }
    for (const Task& task : view_.tasks) {
      if (task.record.exe_file != 0) {
        ++held[inspect::FileRecordOf(task.record.exe_file)];
      }
    }
    for (const auto& file : view_.tables.files) {
      const uint64_t found = CountIn(held, file.address);
      if (file.record.holders < found || file.record.holders == 0) {
        Add(Rule::kFileHolders, file.address,
            "the file counts " + std::to_string(file.record.holders) + " holders, " +
                std::to_string(found) + " descriptors and programs hold it");
      }
    }
  }

  void CheckPending() {
    for (const inspect::PendingSignals& pending : view_.tables.pending) {
      for (const auto& entry : pending.queue) {
        const int signo = entry.record.signo;
        const bool valid = signo >= 1 && signo <= static_cast<int>(proto::kSignals);
        if (!valid || (pending.head.record.set >> (signo - 1) & 1) == 0) {
          Add(Rule::kPendingQueue, pending.owner,
              "signal " + std::to_string(signo) + " is queued, the pending set is " +
                  Hex(pending.head.record.set));
        }
      }
    }
  }

  // What each user is found to have.
  struct Owned {
    Counts processes;
    Counts signals;
    Counts refs;  // by credentials
  };

  Owned CountOwned() const {
    Owned owned;
    std::unordered_map<GuestPtr, GuestPtr> user_of;
    for (const auto& credentials : view_.tables.credentials) {
      user_of[credentials.address] = credentials.record.user;
      ++owned.refs[credentials.record.user];
    }
    for (const Task& task : view_.tasks) {
      if (task.record.credentials != 0) {
        ++owned.processes[user_of[task.record.credentials]];
      }
    }
    for (const inspect::PendingSignals& pending : view_.tables.pending) {
      for (const auto& entry : pending.queue) {
        if (entry.record.of_timer == 0) {
          ++owned.signals[entry.record.user];
        }
      }
    }
    for (const inspect::SignalGroup& group : view_.tables.groups) {
      for (const GuestPtr user : group.timer_users) {
        ++owned.signals[user];
      }
    }
    return owned;
  }

  void CheckUsers() {
    const Owned owned = CountOwned();
    // Of credentials that a call prepares, no task knows yet.
    const bool all_known = Active("cred_jar") == view_.tables.credentials.size();
    for (const auto& user : view_.tables.users) {
      const uint64_t processes = CountIn(owned.processes, user.address);
      const uint64_t queued = CountIn(owned.signals, user.address);
      const uint64_t found = CountIn(owned.refs, user.address) + queued;
      const bool exact = all_known && user.record.mqueue_bytes == 0;
      const std::string who = "user " + std::to_string(user.record.uid) + " counts ";
      if (user.record.processes != processes) {
        Add(Rule::kUserCount, user.address,
            who + std::to_string(user.record.processes) + " processes, " +
                std::to_string(processes) + " tasks are his");
      }
      if (user.record.signals != queued) {
        Add(Rule::kUserCount, user.address,
            who + std::to_string(user.record.signals) + " signals, " + std::to_string(queued) +
                " are queued or kept for timers");
      }
      if (user.record.refs < found || (exact && user.record.refs != found)) {
        Add(Rule::kUserCount, user.address,
            who + std::to_string(user.record.refs) + " references, " + std::to_string(found) +
                " were found");
      }
    }
  }

  const ProcessView& view_;
  Findings& findings_;
};

}  // namespace

void CheckShares(const ProcessView& view, Findings& findings) {
  ShareRules(view, findings).Check();
}

}  // namespace fv::oracle
