// SPDX-License-Identifier: Apache-2.0
//
// What guest/fs and guest/ipc ask about the current task (guest/fs/task_hooks.h).

#include "guest/fs/task_hooks.h"

#include "guest/task/pid.h"
#include "guest/task/task.h"

namespace fv::guest {

namespace {
constexpr unsigned kRlimitNofile = 7;
}  // namespace

void SignalCurrentTask(int signal) {
  Task& task = *CurrentTask();
  (void)SendSignalToThread(task, UserSignal(signal, task)).ok();
}

uint32_t CurrentTgid() { return CurrentTask()->tgid; }
uint32_t CurrentPgid() { return CurrentTask()->pgid; }
uint32_t CurrentSid() { return CurrentTask()->sid; }
bool CurrentIsSessionLeader() { return CurrentTask()->sid == CurrentTask()->tgid; }

PidNamespace* CurrentPidNamespace() {
  const Task* task = CurrentTask();
  const bool booting = task == nullptr || task->TaskRecord::id == 0;
  return booting ? &InitialPidNamespace() : &ActivePidNamespace(*task);
}

Ref<Pid> CurrentProcess() { return Ref<Pid>(CurrentTask()->leader()->id()); }

uint32_t PidSeenByCurrent(uint32_t id) {
  const Pid* pid = FindGlobalPid(id);
  const PidNamespace& reader = *CurrentPidNamespace();
  if (pid == nullptr) {
    return reader.level == 0 ? id : 0;  // the last of its users is gone; its name stays
  }
  return pid->NumberIn(reader);
}

uint32_t PidNamedByCurrent(uint32_t number) { return GlobalNumberFor(*CurrentTask(), number); }

bool CurrentHasTty() { return (CurrentTask()->signal().flags & kSignalHasTty) != 0; }

void GainTty() { CurrentTask()->signal().flags |= kSignalHasTty; }

void LoseTty() { CurrentTask()->signal().flags &= ~static_cast<uint32_t>(kSignalHasTty); }

void ForgetTtyOfSession(uint32_t sid) {
  Pid* session = FindGlobalPid(sid);
  if (session == nullptr) {
    return;
  }
  for (Task& leader : SessionMembers(session->session)) {
    leader.signal().flags &= ~static_cast<uint32_t>(kSignalHasTty);
  }
}

void HangUpSession(uint32_t sid, uint32_t foreground) {
  Task* leader = FindTask(sid);
  if (leader == nullptr || leader->sid != sid) {
    return;
  }
  leader->signal().lost_foreground = foreground;
  (void)SendSignal(*leader, KernelSignal(kSigHup)).ok();
  (void)SendSignal(*leader, KernelSignal(kSigCont)).ok();
}

Result<uint64_t> AddFileToCurrent(Ref<File> file, CloseOnExecFlag cloexec) {
  Task& task = *CurrentTask();
  const int fd = TRY(task.files().Add(std::move(file), cloexec, task.rlimit(kRlimitNofile)));
  return static_cast<uint64_t>(fd);
}

bool CurrentIgnoresSignal(int signal) { return SignalBlockedOrIgnored(*CurrentTask(), signal); }

bool GroupInSession(uint32_t pgid, uint32_t sid) {
  Pid* group = FindGlobalPid(pgid);
  const Task* member = group == nullptr ? nullptr : GroupMembers(group->group).front();
  return member != nullptr && member->sid == sid;
}

void SignalGroup(uint32_t pgid, int signal) { SendSignalToGroup(pgid, KernelSignal(signal)); }

void SetTemporarySignalMask(uint64_t mask) { SetTemporaryMask(*CurrentTask(), mask); }
void RestoreSignalMask() { RestoreTemporaryMask(*CurrentTask()); }
// Delivery does it: it finds restore_mask set.
void RestoreSignalMaskAfterDelivery() {}

const Credentials& CurrentCredentials() { return CurrentTask()->cred(); }

}  // namespace fv::guest
