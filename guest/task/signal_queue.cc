// SPDX-License-Identifier: Apache-2.0
//
// Queues of pending signals. A standard signal is queued once; realtime signals as often as sent,
// up to RLIMIT_SIGPENDING of the receiver's user (signal(7)).

#include "guest/lib/mutants.h"
#include "guest/lib/print.h"
#include "guest/mm/slab.h"
#include "guest/task/cred.h"
#include "guest/task/posix_timer.h"
#include "guest/task/sched_internal.h"
#include "guest/task/signal_internal.h"
#include "guest/task/task.h"

namespace fv::guest {
namespace {

constinit SlabCache<SigQueueEntry> g_entries("sigqueue");

void Charge(SigQueueEntry& entry, UserAccount& user) {
  entry.user = &user;
  GetUser(user);
  user.signals += HasMutant(Mutant::kSignalUncharged) ? 0 : 1;
}

// An entry that is on no queue any more.
void FreeEntry(SigQueueEntry* entry) {
  if (entry->reserved) {
    return;
  }
  --entry->user->signals;
  PutUser(entry->user);
  g_entries.Delete(entry);
}

// Synchronous faults first, then the lowest number (Linux: next_signal).
int NextSignal(SigSet deliverable) {
  const SigSet faults = deliverable & kSynchronous;
  return __builtin_ctzll(faults != 0 ? faults : deliverable) + 1;
}

// The first entry of `signo`; clears its bit unless another one is queued behind it.
void Collect(SigPending& pending, int signo, SigInfo& info) {
  SigQueueEntry* first = nullptr;
  bool more = false;
  for (SigQueueEntry& entry : pending.queue) {
    if (entry.info.signo != signo) {
      continue;
    }
    if (first != nullptr) {
      more = true;
      break;
    }
    first = &entry;
  }
  if (!more) {
    pending.set &= ~SigBit(signo);
  }
  if (first == nullptr) {  // the entry could not be queued, only the number is known
    info = SigInfo{};
    info.signo = signo;
    info.code = kSiUser;
    return;
  }
  info = first->info;
  Unlink(first->link);
  FreeEntry(first);
}

int DequeueFrom(SigPending& pending, SigSet wanted, SigInfo& info) {
  const SigSet deliverable = pending.set & wanted;
  if (deliverable == 0) {
    return 0;
  }
  const int signo = NextSignal(deliverable);
  Collect(pending, signo, info);
  return signo;
}

}  // namespace

void InitSignals() { g_entries.Register(); }

SigQueueEntry* ReserveSignal(Task& charged) {
  UserAccount& user = *charged.cred().user;
  SigQueueEntry* entry =
      user.signals < charged.rlimit(kRlimitSigpending) ? g_entries.New() : nullptr;
  if (entry != nullptr) {
    Charge(*entry, user);
    entry->reserved = true;
  }
  return entry;
}

void DropReserved(SigQueueEntry& entry) {
  entry.reserved = false;
  if (!IsLinked(entry.link)) {
    FreeEntry(&entry);
  }
}

Status QueueSignal(Task& charged, SigPending& pending, const SigInfo& info,
                   SigQueueEntry* reserved) {
  if (info.signo < kSigRtMin && (pending.set & SigBit(info.signo)) != 0) {
    return Ok();  // once is enough
  }
  UserAccount* user = charged.cred().user;
  // The kernel's own and kill()'s standard signals must not get lost over a limit.
  const bool over_limit_allowed = info.signo < kSigRtMin && info.code >= 0;
  SigQueueEntry* entry = reserved;
  if (entry != nullptr) {
    FV_CHECK(!IsLinked(entry->link));
  } else if (over_limit_allowed || user->signals < charged.rlimit(kRlimitSigpending)) {
    entry = info.signo == kSigKill ? nullptr : g_entries.New();
    if (entry != nullptr) {
      Charge(*entry, *user);
    }
  }
  if (entry != nullptr) {
    entry->info = info;
    pending.queue.PushBack(*entry);
  } else if (info.signo >= kSigRtMin && info.code != kSiUser) {
    return Error(EAGAIN);
  }
  pending.set |= SigBit(info.signo);
  return Ok();
}

int DequeueSignal(Task& task, SigSet wanted, SigInfo& info) {
  int signo = DequeueFrom(task.pending, wanted, info);
  if (signo == 0) {
    signo = DequeueFrom(task.signal().shared_pending, wanted, info);
  }
  LookForSignals(task);
  if (signo != 0 && info.code == kSiTimer) {
    NotePosixTimerDelivered(task.signal(), info);
  }
  return signo;
}

int DequeueForDelivery(Task& task, SigInfo& info) {
  const SigSet wanted = ~task.blocked;
  if ((task.pending.set & wanted & kSynchronous) != 0) {
    for (const SigQueueEntry& entry : task.pending.queue) {
      const int signo = entry.info.signo;
      if (entry.info.code > kSiUser && (SigBit(signo) & kSynchronous) != 0) {
        Collect(task.pending, signo, info);
        LookForSignals(task);
        return signo;
      }
    }
  }
  return DequeueSignal(task, wanted, info);
}

void RemovePending(SigPending& pending, SigSet signals) {
  if ((pending.set & signals) == 0) {
    return;
  }
  pending.set &= ~signals;
  for (SigQueueEntry* entry = pending.queue.front(); entry != nullptr;) {
    SigQueueEntry* next = pending.queue.Next(*entry);
    if ((SigBit(entry->info.signo) & signals) != 0) {
      Unlink(entry->link);
      FreeEntry(entry);
    }
    entry = next;
  }
}

void FlushPending(SigPending& pending) { RemovePending(pending, ~SigSet{0}); }

}  // namespace fv::guest
