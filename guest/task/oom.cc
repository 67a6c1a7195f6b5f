// SPDX-License-Identifier: Apache-2.0
//
// See oom.h. A victim's memory is taken at once, where the kernel stands; its page tables, files
// and stacks come back when it has run to its end. Locking: the task list's lock.
#include "guest/task/oom.h"

#include <new>

#include "guest/arch/arch.h"
#include "guest/lib/print.h"
#include "guest/lib/wait_queue.h"
#include "guest/mm/frames.h"
#include "guest/mm/mm.h"
#include "guest/mm/out_of_memory.h"
#include "guest/mm/unused_memory.h"
#include "guest/task/sched.h"
#include "guest/task/signal_internal.h"
#include "guest/task/task.h"
#include "guest/task/task_internal.h"

namespace fv::guest {
namespace {

constexpr int64_t kScale = 1000;
// How long a fault waits for a victim before it looks for another one.
constexpr uint64_t kPatienceNs = 100'000'000;

// Faults that wait for a victim to go. Made when first used: the kernel runs no constructors.
WaitQueue& WaitingForMemory() {
  alignas(WaitQueue) static constinit unsigned char bytes[sizeof(WaitQueue)]{};
  static constinit bool made = false;
  if (!made) {
    new (bytes) WaitQueue();
    made = true;
  }
  return *reinterpret_cast<WaitQueue*>(bytes);
}

bool IsDying(const Task& task) {
  return (task.flags & kPfExiting) != 0 || FatalSignalPending(task);
}

// The process's address space: its leader may have left before its other threads.
Mm* MmOf(Task& process) {
  Mm* mm = nullptr;
  ForEachThread(process, [&mm](Task& thread) { mm = mm != nullptr ? mm : thread.mm(); });
  return mm;
}

bool IsVictim(Task& process) { return (process.signal().flags & kSignalOomVictim) != 0; }

// The last of those with the highest badness, as Linux's walk finds it; nullptr if all are exempt.
Task* ChooseVictim() {
  Task* chosen = nullptr;
  int64_t most = kNeverKilled;
  for (Task& process : AllTasks()) {
    if (!process.IsLeader() || IsVictim(process)) {
      continue;
    }
    const int64_t badness = OomBadness(process);
    if (badness != kNeverKilled && badness >= most) {
      chosen = &process;
      most = badness;
    }
  }
  return chosen;
}

bool IsExempt(const Task& process) {
  return (process.flags & kPfKthread) != 0 || (process.signal().flags & kSignalUnkillable) != 0;
}

// All processes on `mm` get SIGKILL.
void KillUsers(const Mm& mm) {
  for (Task& process : AllTasks()) {
    if (process.IsLeader() && !IsExempt(process) && MmOf(process) == &mm) {
      process.signal().flags |= kSignalOomVictim;
      (void)SendSignal(process, KernelSignal(kSigKill)).ok();  // a SIGKILL is never lost
    }
  }
}

void Report(Task& victim, const Mm& mm) {
  constexpr uint64_t kKbPerPage = proto::kPageBytes / 1024;
  Log("Out of memory: Killed process %u (%s) total-vm:%lukB, anon-rss:%lukB, file-rss:%lukB, "
      "UID:%u pgtables:%lukB oom_score_adj:%d\n",
      victim.tgid, victim.comm, mm.total_pages * kKbPerPage, mm.anon_pages * kKbPerPage,
      mm.file_pages * kKbPerPage, victim.cred().uid, uint64_t{mm.table_frames} * kKbPerPage,
      victim.signal().oom_score_adj);
}

bool AVictimIsLeft() {
  for (Task& process : AllTasks()) {
    if (process.IsLeader() && IsVictim(process) && MmOf(process) != nullptr) {
      return true;
    }
  }
  return false;
}

}  // namespace

int64_t OomBadness(Task& process) {
  const Mm* mm = IsExempt(process) ? nullptr : MmOf(process);
  const int64_t adjustment = process.signal().oom_score_adj;
  if (mm == nullptr || adjustment == kOomScoreAdjMin) {
    return kNeverKilled;
  }
  const auto pages = static_cast<int64_t>(mm->anon_pages + mm->file_pages + mm->table_frames);
  return pages + adjustment * (static_cast<int64_t>(TotalFrames()) / kScale);
}

uint32_t OomScore(Task& process) {
  const int64_t badness = OomBadness(process);
  if (badness == kNeverKilled) {
    return 0;
  }
  return static_cast<uint32_t>((kScale + badness * kScale / static_cast<int64_t>(TotalFrames())) *
                               2 / 3);
}

bool RelieveMemory(Mm& mm) {
  Task& current = *CurrentTask();
  // With free frames left, an allocation was made to fail: nobody has to go for it.
  if (FreeFrameCount() != 0 || IsDying(current)) {
    return false;
  }
  Task* victim = ChooseVictim();
  if (victim == nullptr) {
    return false;
  }
  Mm& freed = *MmOf(*victim);
  Report(*victim, freed);
  KillUsers(freed);
  if (&freed == current.mm() || &freed == &mm) {
    return false;  // in use here and now; it goes when its tasks die
  }
  ReapMm(freed);
  return FreeFrameCount() != 0;
}

void WakeWaitersForMemory() { WaitingForMemory().WakeAll(); }

void WaitForMemory(Task& task) {
  if (IsDying(task)) {
    return;
  }
  DropUnusedMemory();
  if (FreeFrameCount() != 0) {
    return;  // the same access faults again (Linux: pagefault_out_of_memory)
  }
  if (AVictimIsLeft()) {
    (void)WaitUntil(
        WaitingForMemory(), MonotonicNs() + kPatienceNs,
        [] { return FreeFrameCount() != 0 || !AVictimIsLeft(); }, WaitKind::kKillable)
        .ok();
    return;
  }
  Log("out of memory: killed process %u (%s)\n", task.tgid, task.comm);
  ForceFatalSignal(task, kSigKill);
}

}  // namespace fv::guest
