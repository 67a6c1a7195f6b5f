// SPDX-License-Identifier: Apache-2.0
//
// See the header. What refers to an id or a namespace and is on no list (descriptors, messages,
// tasks that have unshared) can only add to its count, so counts of references have a lower bound.
#include "src/oracle/pid_rules.h"

#include <cstddef>
#include <set>
#include <string>
#include <unordered_map>
#include <utility>

#include "src/inspect/list_walk.h"
#include "src/inspect/render.h"
#include "src/oracle/task_index.h"

namespace fv::oracle {
namespace {

using inspect::Hex;
using inspect::Pid;
using inspect::PidNumber;
using inspect::PidSpace;
using inspect::Task;
using proto::GuestPtr;
using proto::PidNamespaceRecord;
using proto::PidRecord;
using proto::TaskRecord;

// One of the two chains that an id is the head of.
struct Chain {
  const char* what;
  proto::Link PidRecord::*head;
  uint64_t head_offset;
  uint64_t link_offset;
  uint32_t TaskRecord::*number;  // what its members call the id
};
constexpr Chain kChains[] = {
    {"group", &PidRecord::group, offsetof(PidRecord, group), offsetof(TaskRecord, group_link),
     &TaskRecord::pgid},
    {"session", &PidRecord::session, offsetof(PidRecord, session),
     offsetof(TaskRecord, session_link), &TaskRecord::sid},
};

class PidRules {
 public:
  PidRules(std::span<const Task> tasks, const inspect::PidTables& ids, Findings& findings)
      : tasks_(tasks), ids_(ids), findings_(findings), index_(tasks) {
    for (const Pid& pid : ids.pids) {
      pids_.emplace(pid.address, &pid);
      for (const PidNumber& number : pid.numbers) {
        numbers_.emplace(number.address, &number);
      }
    }
    for (const PidSpace& space : ids.spaces) {
      spaces_.emplace(space.address, &space);
    }
  }

  void CheckAll() {
    CheckHash();
    for (const Pid& pid : ids_.pids) {
      CheckNumbers(pid);
      CheckUse(pid);
    }
    for (const Chain& chain : kChains) {
      CheckChain(chain);
    }
    for (const Task& task : tasks_) {
      if (Counts(task.record)) {
        CheckTask(task);
      }
    }
    CheckSpaces();
  }

 private:
  template <typename T>
  static const T* Look(const std::unordered_map<GuestPtr, const T*>& map, GuestPtr address) {
    const auto it = map.find(address);
    return it == map.end() ? nullptr : it->second;
  }
  void Add(Rule rule, GuestPtr address, std::string sentence) {
    findings_.Add(rule, std::move(sentence)).address = address;
  }
  void AddId(Rule rule, const Pid& pid, const std::string& sentence) {
    Add(rule, pid.address, "id " + std::to_string(pid.record.root.number) + ": " + sentence);
  }
  void AddTask(Rule rule, const Task& task, std::string sentence) {
    Finding& finding = findings_.Add(rule, std::move(sentence));
    finding.pid = task.record.pid;
    finding.comm = inspect::CommText(task.record);
    finding.address = task.address;
  }

  static bool Used(const Pid& pid) {
    bool used = pid.record.task != 0;
    for (const Chain& chain : kChains) {
      used = used || (pid.record.*chain.head).next != pid.address + chain.head_offset;
    }
    return used;
  }

  void CheckHash() {
    for (const inspect::HashedNumber& entry : ids_.hash) {
      const PidNumber* number = Look(numbers_, entry.number);
      if (number == nullptr) {
        Add(Rule::kIdHash, entry.number,
            "bucket " + std::to_string(entry.bucket) + " holds " + Hex(entry.number) +
                ", which is the number of no listed id");
      } else {
        buckets_.emplace(entry.number, entry.bucket);
      }
    }
  }

  // Its numbers: whose they are, where they are found, and in which namespaces.
  void CheckNumbers(const Pid& pid) {
    const bool used = Used(pid);
    GuestPtr outer = 0;
    for (size_t level = 0; level < pid.numbers.size(); ++level) {
      const PidNumber& number = pid.numbers[level];
      const PidSpace* space = Look(spaces_, number.record.space);
      const std::string at = "its number of level " + std::to_string(level);
      if (number.record.pid != pid.address) {
        AddId(Rule::kIdHash, pid, at + " is said to be of " + Hex(number.record.pid));
      }
      if (space == nullptr || space->record.level != level || space->record.parent != outer) {
        AddId(Rule::kPidSpace, pid,
              at + " is in " + Hex(number.record.space) + ", no namespace of that level within " +
                  Hex(outer));
        return;
      }
      outer = space->address;
      const auto in_hash = buckets_.find(number.address);
      if (used != (in_hash != buckets_.end())) {
        AddId(used ? Rule::kIdHash : Rule::kIdUnused, pid,
              at + (used ? " is not in the hash"
                         : " is in the hash, but no task, group or session has it"));
        continue;
      }
      if (used) {
        CheckBucket(pid, number, *space, in_hash->second);
      }
    }
  }

  void CheckBucket(const Pid& pid, const PidNumber& number, const PidSpace& space, uint32_t found) {
    ++ids_in_[space.address];
    const auto value = static_cast<uint32_t>(number.record.number);
    const uint64_t expected = proto::PidNumberBucket(value, space.record.inode, ids_.buckets);
    if (expected != found) {
      AddId(Rule::kIdHash, pid,
            "its number " + std::to_string(value) + " is in bucket " + std::to_string(found) +
                ", it belongs into " + std::to_string(expected));
    }
    if (!taken_.emplace(space.address, number.record.number).second) {
      AddId(Rule::kIdHash, pid,
            "its number " + std::to_string(number.record.number) + " in " + Hex(space.address) +
                " is another id's too");
    }
  }

  void CheckUse(const Pid& pid) {
    if (pid.record.refs == 0) {
      AddId(Rule::kIdUnused, pid, "it is on the list and nothing refers to it");
    }
    if (!pid.numbers.empty()) {
      ++refs_of_[pid.numbers.back().record.space];
    }
    if (pid.record.task == 0) {
      return;
    }
    const Task* task = index_.Find(pid.record.task);
    if (task == nullptr || task->record.id != pid.address) {
      AddId(Rule::kTaskId, pid,
            "its task " + Hex(pid.record.task) +
                (task == nullptr ? " is not on the task list" : " has another id"));
    }
  }

  void CheckChain(const Chain& chain) {
    std::unordered_map<GuestPtr, unsigned> times;
    for (const Pid& pid : ids_.pids) {
      std::string why;
      const auto member = [&](const Task& task) {
        ++times[task.address];
        if (task.record.*chain.number != pid.record.root.number) {
          AddTask(Rule::kIdChains, task,
                  std::string("it is in the chain of ") + chain.what + " " +
                      std::to_string(pid.record.root.number) + " but names " +
                      std::to_string(task.record.*chain.number));
        }
      };
      if (index_.WalkRing(pid.record.*chain.head, pid.address + chain.head_offset,
                          chain.link_offset, member, why) < 0) {
        AddId(Rule::kIdChains, pid, std::string("chain of the ") + chain.what + ": " + why);
      }
    }
    for (const Task& task : tasks_) {
      if (!Counts(task.record) || task.record.id == 0) {
        continue;
      }
      const unsigned expected = task.record.leader == task.address ? 1 : 0;
      const auto found = times.find(task.address);
      const unsigned in_chains = found == times.end() ? 0 : found->second;
      if (in_chains != expected) {
        AddTask(Rule::kIdChains, task,
                "it is in " + std::to_string(in_chains) + " chains of a " + chain.what +
                    " instead of " + std::to_string(expected));
      }
    }
  }

  void CheckTask(const Task& task) {
    const TaskRecord& record = task.record;
    if (record.pid == 0) {
      return;  // an idle task
    }
    const Pid* pid = Look(pids_, record.id);
    if (pid == nullptr) {
      AddTask(Rule::kTaskId, task, "its id " + Hex(record.id) + " is not on the list of ids");
    } else if (pid->record.task != task.address) {
      AddTask(Rule::kTaskId, task,
              "its id " + Hex(record.id) + " is of the task " + Hex(pid->record.task));
    } else if (pid->record.root.number != record.pid) {
      AddTask(Rule::kTaskId, task, "its id's number is " + std::to_string(pid->record.root.number));
    }
    const Task* leader = index_.Find(record.leader);
    for (const Chain& chain : kChains) {
      if (leader != nullptr && leader->record.*chain.number != record.*chain.number) {
        AddTask(Rule::kTaskId, task,
                std::string("its ") + chain.what + " is " + std::to_string(record.*chain.number) +
                    ", its leader's " + std::to_string(leader->record.*chain.number));
      }
    }
  }

  void CheckSpaces() {
    for (const PidSpace& space : ids_.spaces) {
      ++refs_of_[space.record.parent];
    }
    for (const PidSpace& space : ids_.spaces) {
      CheckSpace(space);
    }
  }

  void CheckSpace(const PidSpace& space) {
    const PidNamespaceRecord& record = space.record;
    const PidSpace* parent = Look(spaces_, record.parent);
    const bool nested = record.parent == 0
                            ? record.level == 0
                            : parent != nullptr && record.level == parent->record.level + 1;
    if (!nested) {
      Add(Rule::kPidSpace, space.address,
          "the namespace is of level " + std::to_string(record.level) + " within " +
              Hex(record.parent));
    }
    if (record.ids != ids_in_[space.address]) {
      Add(Rule::kPidSpace, space.address,
          "the namespace counts " + std::to_string(record.ids) + " ids, " +
              std::to_string(ids_in_[space.address]) + " have a number in it");
    }
    if (record.refs == 0 || record.refs < refs_of_[space.address]) {
      Add(Rule::kPidSpace, space.address,
          "the namespace counts " + std::to_string(record.refs) + " references, " +
              std::to_string(refs_of_[space.address]) + " ids and namespaces are in it");
    }
    if (record.reaper != 0) {
      CheckReaper(space);
    }
  }

  void CheckReaper(const PidSpace& space) {
    const Task* reaper = index_.Find(space.record.reaper);
    const Pid* pid = reaper == nullptr ? nullptr : Look(pids_, reaper->record.id);
    if (pid == nullptr || pid->numbers.size() <= space.record.level ||
        pid->numbers[space.record.level].record.space != space.address) {
      Add(Rule::kPidSpace, space.address,
          "the init of the namespace, " + Hex(space.record.reaper) + ", is no task in it");
    } else if (pid->numbers[space.record.level].record.number != 1) {
      Add(Rule::kPidSpace, space.address,
          "the init of the namespace has the number " +
              std::to_string(pid->numbers[space.record.level].record.number) + " in it");
    }
  }

  std::span<const Task> tasks_;
  const inspect::PidTables& ids_;
  Findings& findings_;
  TaskIndex index_;
  std::unordered_map<GuestPtr, const Pid*> pids_;
  std::unordered_map<GuestPtr, const PidNumber*> numbers_;
  std::unordered_map<GuestPtr, const PidSpace*> spaces_;
  std::unordered_map<GuestPtr, uint32_t> buckets_;  // of the numbers in the hash
  std::set<std::pair<GuestPtr, uint64_t>> taken_;   // namespace, number
  std::unordered_map<GuestPtr, uint64_t> ids_in_;   // by namespace: ids with a number in it
  std::unordered_map<GuestPtr, uint64_t> refs_of_;  // ids made in it, namespaces made in it
};

}  // namespace

void CheckPids(std::span<const Task> tasks, const inspect::PidTables& ids, Findings& findings) {
  PidRules(tasks, ids, findings).CheckAll();
}

}  // namespace fv::oracle
