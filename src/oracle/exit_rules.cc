// SPDX-License-Identifier: Apache-2.0
//
// I20: what a dead thread owes to those who wait for it: in the memory that it shared
// (set_tid_address(2), get_robust_list(2)), and to its parent (wait(2)).
#include <linux/futex.h>

#include <algorithm>
#include <csignal>
#include <optional>
#include <string>

#include "proto/pte.h"
#include "src/inspect/list_walk.h"
#include "src/inspect/render.h"
#include "src/inspect/structures.h"
#include "src/inspect/table_reader.h"
#include "src/oracle/lifecycle.h"
#include "src/oracle/vma_rules.h"

namespace fv::oracle {
namespace {

using inspect::Hex;
using inspect::Task;

// User memory of one address space, as its page tables map it now.
class UserMemory {
 public:
  UserMemory(const inspect::MemoryReader& memory, const inspect::Mm& mm)
      : memory_(memory), mm_(mm) {}

  // A word at an aligned address; nullopt where no page is.
  template <typename Word>
  std::optional<Word> Read(uint64_t address) const {
    if (address % sizeof(Word) != 0 || address >= proto::kUserEnd) {
      return std::nullopt;
    }
    uint64_t table = mm_.record.root_gpa;
    for (unsigned level = proto::kPageTableLevels; level > 0; --level) {
      const uint64_t at = table + sizeof(proto::Pte) * proto::TableIndex(address, level);
      if (!memory_.Contains(at, sizeof(proto::Pte))) {
        return std::nullopt;
      }
      const proto::Pte entry = memory_.Word(at);
      if (!inspect::Present(entry)) {
        return std::nullopt;
      }
      table = inspect::PfnOf(entry) << proto::kPageShift;
    }
    const uint64_t at = table + (address & (proto::kPageBytes - 8));
    if (!memory_.Contains(at, 8)) {
      return std::nullopt;
    }
    const uint64_t word = memory_.Word(at);
    return static_cast<Word>(address % 8 == 0 ? word : word >> 32);
  }

  // The kernel may store there for the program.
  bool Writable(uint64_t address) const {
    const proto::VmaRecord* vma = FindVma(mm_.vmas, address);
    return vma != nullptr && (vma->flags & proto::kVmWrite) != 0;
  }

 private:
  const inspect::MemoryReader& memory_;
  const inspect::Mm& mm_;
};

}  // namespace

void CheckExitMemory(const Moment& now, const proto::TaskRecord& before, Findings& findings) {
  const int32_t slot = before.mm == 0 ? -1 : now.mms.Find(before.mm);
  if (slot < 0 || now.mms.slots()[slot]->mm.record.users == 0) {
    return;  // nobody is left who could read it
  }
  const inspect::Mm& mm = now.mms.slots()[slot]->mm;
  const UserMemory user(now.memory, mm);
  const auto add = [&](Rule rule, uint64_t address, std::string sentence) {
    Finding& finding = findings.Add(rule, std::move(sentence));
    finding.mm = mm.address;
    finding.pid = before.pid;
    finding.comm = inspect::CommText(before);
    finding.address = address;
  };
  const uint64_t word = before.clear_child_tid;
  if (word != 0 && user.Writable(word) && user.Read<uint32_t>(word) == before.pid) {
    add(Rule::kExitWord, word,
        "the thread is dead, and its tid still stands where it was to be cleared");
  }
  // struct robust_list_head of <linux/futex.h>: the list, then the futex's place in an entry.
  const auto next = user.Read<uint64_t>(before.robust_list);
  const auto offset = user.Read<uint64_t>(before.robust_list + 8);
  if (before.robust_list == 0 || !next || !offset) {
    return;
  }
  uint64_t at = *next;
  for (unsigned i = 0; i < ROBUST_LIST_LIMIT && (at & ~uint64_t{1}) != before.robust_list; ++i) {
    const uint64_t entry = at & ~uint64_t{1};
    const uint64_t futex = entry + *offset;
    const auto value = user.Read<uint32_t>(futex);
    const auto following = user.Read<uint64_t>(entry);
    if (!value || !following || !user.Writable(futex)) {
      return;  // the kernel gives up there as well
    }
    if ((*value & FUTEX_TID_MASK) == before.pid) {
      add(Rule::kExitRobust, futex,
          "the thread is dead, and the robust futex still names it: " + Hex(*value));
    }
    at = *following;
  }
}

void CheckParentTold(const Moment& now, const proto::EventRecord& exit,
                     std::span<const proto::EventRecord> events, Findings& findings) {
  const auto tgid = static_cast<uint32_t>(exit.c);
  const Task* leader = FindTask(now.processes.tasks, tgid);
  if (leader == nullptr || leader->record.state != proto::TaskState::kZombie) {
    return;  // gone, or not the last thread
  }
  const Task* parent = nullptr;
  for (const Task& task : now.processes.tasks) {
    if (task.record.tgid == tgid && &task != leader) {
      return;
    }
    if (task.address == leader->record.parent) {
      parent = &task;
    }
  }
  proto::SighandRecord handlers;
  constexpr uint32_t kInit = 1;
  if (parent == nullptr) {
    return;
  }
  // A program that the parent has begun since did not yet count when the child died.
  const bool execed_since = std::ranges::any_of(events, [parent](const proto::EventRecord& event) {
    return event.kind == proto::EventKind::kExec && event.pid == parent->record.pid;
  });
  const bool parent_execed =
      (leader->record.flags & proto::kTaskParentExeced) != 0 && !execed_since;
  const int signo = parent_execed ? SIGCHLD : static_cast<int>(leader->record.exit_signal);
  if (parent->record.pid == kInit || signo < 1 || signo > static_cast<int>(proto::kSignals) ||
      !inspect::ReadHandlers(now.memory, parent->record.sighand, handlers)) {
    return;
  }
  const auto add = [&](std::string sentence) {
    Finding& finding = findings.Add(Rule::kExitTold, std::move(sentence));
    finding.pid = leader->record.pid;
    finding.comm = inspect::CommText(leader->record);
    finding.address = leader->address;
  };
  const proto::SignalActionRecord& action = handlers.action[SIGCHLD - 1];
  if (signo == SIGCHLD && (action.handler == 1 || (action.flags & SA_NOCLDWAIT) != 0)) {
    add("it is a zombie, but its parent pid " + std::to_string(parent->record.pid) +
        " ignores SIGCHLD or asked for no zombies");
    return;
  }
  for (const proto::EventRecord& event : events) {
    if (event.kind == proto::EventKind::kSignal && event.b == parent->record.pid &&
        event.a == static_cast<uint64_t>(signo)) {
      return;
    }
  }
  add("it died, and its parent pid " + std::to_string(parent->record.pid) + " was sent no signal " +
      std::to_string(signo));
}

}  // namespace fv::oracle
