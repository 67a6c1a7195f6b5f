// SPDX-License-Identifier: Apache-2.0
//
// See fake_kernel.h.
#include "guest/fs/testing/fake_kernel.h"

#include "guest/arch/arch.h"
#include "guest/fs/console.h"
#include "guest/fs/proc_source.h"
#include "guest/fs/task_hooks.h"
#include "guest/introspect/introspect.h"
#include "guest/mm/slab.h"
#include "guest/mm/testing/fake_machine.h"

namespace fv::guest::testing {

FakeKernel& FakeKernel::Get() {
  static FakeKernel* kernel = nullptr;
  if (kernel == nullptr) {
    FakeMachine::Get();
    kernel = new FakeKernel;
    kernel->BecomeRoot();
  }
  return *kernel;
}

void FakeKernel::BecomeRoot() {
  cred = Credentials{};
  cred.cap_effective = kAllCapabilities;
  cred.cap_permitted = kAllCapabilities;
}

void FakeKernel::BecomeUser(uint32_t uid) {
  cred = Credentials{};
  cred.uid = cred.euid = cred.suid = cred.fsuid = uid;
  cred.gid = cred.egid = cred.sgid = cred.fsgid = uid;
}

void MakeRoot(const std::vector<uint8_t>& archive) {
  FakeKernel::Get();
  // Backing bytes must outlive the file system and stand in the direct map.
  auto* copy = static_cast<uint8_t*>(KernelAllocate(archive.size() + 1));
  __builtin_memcpy(copy, archive.data(), archive.size());
  InitRootFs(copy, archive.size());
  InitConsole();
}

}  // namespace fv::guest::testing

namespace fv::guest {

using testing::FakeKernel;

// ---- guest/lib/wait_queue.h --------------------------------------------------------------------
Task* CurrentTask() { return reinterpret_cast<Task*>(&FakeKernel::Get()); }
void PrepareToWait(WaitKind) {}
bool ScheduleUntil(uint64_t) { return false; }
void FinishWait() {}
bool WaitInterrupted(WaitKind) {
  ++FakeKernel::Get().waits;
  return true;
}
void WakeTask(Task&) { ++FakeKernel::Get().wakes; }

// ---- guest/fs/task_hooks.h ---------------------------------------------------------------------
void SignalCurrentTask(int signal) { FakeKernel::Get().signals.push_back(signal); }
uint32_t CurrentTgid() { return 2; }
uint32_t CurrentTid() { return 2; }
uint32_t CurrentPgid() { return 2; }
uint32_t CurrentSid() { return 1; }
bool CurrentIsSessionLeader() { return false; }
bool CurrentHasTty() { return true; }
void GainTty() {}
void LoseTty() {}
void ForgetTtyOfSession(uint32_t) {}
void HangUpSession(uint32_t, uint32_t) {}
Result<uint64_t> AddFileToCurrent(Ref<File>, CloseOnExecFlag) { return Error(EMFILE); }
bool CurrentIgnoresSignal(int) { return false; }
bool IsOrphanedGroup(uint32_t) { return false; }
bool GroupInSession(uint32_t, uint32_t) { return true; }
void SignalGroup(uint32_t, int signal) { FakeKernel::Get().signals.push_back(signal); }
void SetTemporarySignalMask(uint64_t) {}
void RestoreSignalMask() {}
void RestoreSignalMaskAfterDelivery() {}
const Credentials& CurrentCredentials() { return FakeKernel::Get().cred; }
PidNamespace* CurrentPidNamespace() { return nullptr; }
Ref<Pid> CurrentProcess() { return {}; }
uint32_t PidSeenByCurrent(uint32_t id) { return id; }
uint32_t PidNamedByCurrent(uint32_t number) { return number; }
void PidNamespace::Release() {}
void Pid::Release() {}
void FillRandom(void* to, size_t bytes) { __builtin_memset(to, 0x5a, bytes); }

// ---- guest/fs/proc_source.h: one task, pid 2 ---------------------------------------------------
uint32_t NextTgid(const PidNamespace*, uint32_t after) { return after < 2 ? 2 : 0; }
uint32_t NextTid(const PidNamespace*, uint32_t, uint32_t after) { return after < 2 ? 2 : 0; }
uint32_t TidFromReader(const PidNamespace*, uint32_t number) { return number == 2 ? 2 : 0; }
uint32_t NumberForReader(const PidNamespace*, uint32_t id) { return id; }
bool FillTaskIds(uint32_t tid, const PidNamespace*, TaskIds& out) {
  out = TaskIds{};
  out.pid = out.tgid = tid;
  return tid == 2;
}
Result<Ref<Dentry>> GetTaskNamespace(uint32_t, const char*) { return Error(ENOENT); }
void SetSystemName(SystemNameField, const char*, size_t) {}
bool TaskExists(uint32_t tid) { return tid == 2; }
bool FillTaskInfo(uint32_t tid, TaskInfo& out) {
  out = TaskInfo{};
  out.pid = out.tgid = tid;
  out.dumpable = true;
  out.state = 'R';
  __builtin_memcpy(out.comm, "test", 5);
  return tid == 2;
}
Result<Mm*> GetTaskMm(uint32_t) { return static_cast<Mm*>(nullptr); }
Result<Ref<FdTable>> GetTaskFiles(uint32_t) { return Ref<FdTable>(); }
Result<Ref<FsContext>> GetTaskFs(uint32_t) { return FsContext::Create(RootDentry(), 022); }
Result<Ref<Dentry>> GetTaskExe(uint32_t) { return Error(ENOENT); }
bool MayInspectTask(uint32_t) { return true; }
Result<TaskSyscall> GetTaskSyscall(uint32_t) { return Error(ESRCH); }
Status SetTaskOomScoreAdj(uint32_t, int32_t) { return Ok(); }
Status SetTaskTimerSlack(uint32_t, uint64_t) { return Ok(); }
Status SetTaskComm(uint32_t, const char*, uint32_t) { return Ok(); }
void FillSystemInfo(SystemInfo& out) { out = SystemInfo{}; }
Status SetMaxThreads(uint64_t) { return Error(EINVAL); }
void SetPidMax(uint32_t) {}
void ShowIpcObjects(TextBuffer&, IpcKind) {}
int& NextIpcId(IpcKind) {
  static int none = -1;
  return none;
}

// ---- guest/arch, guest/introspect --------------------------------------------------------------
uint64_t RealtimeNs() { return FakeKernel::Get().realtime_ns++; }
uint64_t MonotonicNs() { return 1; }
void ConsoleWrite(proto::ConsoleStream, const char* bytes, uint64_t count) {
  FakeKernel::Get().console_output.append(bytes, count);
}
void WriteLog(uint8_t, const char* text, size_t length) { ConsoleWrite({}, text, length); }
bool NextCommand(proto::CommandRecord& out) {
  auto& commands = FakeKernel::Get().commands;
  if (commands.empty()) {
    return false;
  }
  out = commands.front();
  commands.pop_front();
  return true;
}

}  // namespace fv::guest
