// SPDX-License-Identifier: Apache-2.0
//
// What guest/fs and guest/ipc ask about the current task (guest/fs/task_hooks.h).

#include "guest/fs/task_hooks.h"

#include "guest/task/task.h"

namespace fv::guest {

void SignalCurrentTask(int signal) {
  Task& task = *CurrentTask();
  (void)SendSignalToThread(task, UserSignal(signal, task)).ok();
}

uint32_t CurrentTgid() { return CurrentTask()->tgid; }
uint32_t CurrentPgid() { return CurrentTask()->pgid; }
uint32_t CurrentSid() { return CurrentTask()->sid; }
bool CurrentIsSessionLeader() { return CurrentTask()->sid == CurrentTask()->tgid; }

bool CurrentHasConsole() { return (CurrentTask()->signal().flags & kSignalHasTty) != 0; }

void SetCurrentHasConsole(bool has) {
  uint32_t& flags = CurrentTask()->signal().flags;
  flags = has ? flags | kSignalHasTty : flags & ~static_cast<uint32_t>(kSignalHasTty);
}

bool CurrentIgnoresSignal(int signal) { return SignalBlockedOrIgnored(*CurrentTask(), signal); }

bool GroupInSession(uint32_t pgid, uint32_t sid) {
  for (const Task& task : AllTasks()) {
    if (task.pgid == pgid) {
      return task.sid == sid;
    }
  }
  return false;
}

void SignalGroup(uint32_t pgid, int signal) { SendSignalToGroup(pgid, KernelSignal(signal)); }

void SetTemporarySignalMask(uint64_t mask) { SetTemporaryMask(*CurrentTask(), mask); }
void RestoreSignalMask() { RestoreTemporaryMask(*CurrentTask()); }
// Delivery does it: it finds restore_mask set.
void RestoreSignalMaskAfterDelivery() {}

const Credentials& CurrentCredentials() { return CurrentTask()->cred(); }

}  // namespace fv::guest
