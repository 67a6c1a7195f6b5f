// SPDX-License-Identifier: Apache-2.0
//
// execve step by step: open, scripts, build the new address space, point of no return, become it.

#include "guest/task/exec.h"

#include <linux/fcntl.h>

#include "guest/arch/arch.h"
#include "guest/fs/fd_table.h"
#include "guest/fs/path.h"
#include "guest/introspect/introspect.h"
#include "guest/lib/mutants.h"
#include "guest/lib/scope_guard.h"
#include "guest/lib/string.h"
#include "guest/mm/fork.h"
#include "guest/mm/mm.h"
#include "guest/task/cred.h"
#include "guest/task/exec_script.h"
#include "guest/task/lifecycle.h"
#include "guest/task/sched_internal.h"
#include "guest/task/signal_internal.h"
#include "guest/task/task.h"
#include "guest/task/task_internal.h"

namespace fv::guest {
namespace {

constexpr unsigned kMaxScriptDepth = 5;
constexpr uint32_t kSetUid = 04000;
constexpr uint32_t kSetGid = 02000;
constexpr uint32_t kGroupExec = 010;

PathCaller CallerOf(Task& task) { return {task.fs(), task.cred(), task.files_or_null()}; }

Result<Ref<File>> Open(Task& task, int dirfd, const char* path, uint32_t flags) {
  return OpenForExec(CallerOf(task), dirfd, path, flags);
}

// "#!interpreter [argument]": the interpreter replaces argv[0], then argument and script follow.
// Repeats while the interpreter is a script itself. Errors: ENOEXEC, ELOOP, and those of open.
Status ResolveScripts(Task& task, NewProgram& program, const char* path) {
  ScriptLine line;
  const char* script = path;
  char previous[kScriptLineBytes];
  for (unsigned depth = 0;; ++depth) {
    uint8_t head[kScriptLineBytes];
    const uint64_t bytes = TRY(ObjectOf(*program.file).ReadKernel(0, head, sizeof(head)));
    if (!IsScript(head, bytes)) {
      return Ok();
    }
    if (depth == kMaxScriptDepth) {
      return Error(ELOOP);
    }
    TRY(ParseScriptLine(head, bytes, line));
    TRY(PopString(program));
    TRY(PushString(program, script));
    ++program.argc;
    if (line.argument[0] != '\0') {
      TRY(PushString(program, line.argument));
      ++program.argc;
    }
    TRY(PushString(program, line.interpreter));
    program.file = TRY(Open(task, AT_FDCWD, line.interpreter, kLookupFollow));
    memcpy(previous, line.interpreter, sizeof(previous));
    script = previous;
  }
}

Status Build(Task& task, const ExecRequest& request, NewProgram& program) {
  program.file = request.file;
  if (!program.file) {
    program.file = TRY(Open(task, request.dirfd, request.path, request.lookup_flags));
  }
  if (HasMutant(Mutant::kExecKeepsMappings) && task.mm() != nullptr) {
    ForkCounts counts;
    program.mm = TRY(DupMm(*task.mm(), counts, {}));
  } else {
    program.mm = TRY(Mm::Create());
  }
  if (task.mm() != nullptr) {
    program.mm->limits = task.mm()->limits;
    program.mm->coredump_filter = task.mm()->coredump_filter;
    program.mm->thp_disable = task.mm()->thp_disable;
    program.mm->fork_strategy = task.mm()->fork_strategy;
  }
  program.mm->limits.privilege = CommitPrivilegeOf(task);
  program.mm->limits.stack = task.rlimit(kRlimitStack);
  TRY(MapStack(program));
  TRY(PushString(program, request.path));
  program.file_name = program.stack;
  program.envc = TRY(PushVector(program, request.environment));
  program.argc = TRY(PushVector(program, request.arguments));
  if (request.purpose == ExecPurpose::kCheck) {
    return Ok();
  }
  if (program.argc == 0) {  // Linux since 5.18: never without argv[0]
    TRY(PushString(program, ""));
    program.argc = 1;
  }
  TRY(ResolveScripts(task, program, request.path));
  Status loaded = LoadElf(program);
  if (loaded.ok()) {
    loaded = LoadInterpreter(task, program);
  }
  program.broken = !loaded.ok() && loaded.error().number() == EINVAL;
  return loaded;
}

// Set-user-ID and set-group-ID bits, capabilities. Returns the credentials to commit.
Result<Credentials*> NewCredentials(Task& task, NewProgram& program) {
  Credentials* changed = TRY(PrepareCredentials());
  const Inode& inode = program.file->inode();
  const bool nosuid = (inode.superblock().mount_flags & kMountNoSuid) != 0;
  if (!task.no_new_privs && !nosuid) {
    if ((inode.mode() & kSetUid) != 0) {
      changed->euid = inode.uid;
    }
    if ((inode.mode() & (kSetGid | kGroupExec)) == (kSetGid | kGroupExec)) {
      changed->egid = inode.gid;
    }
  }
  changed->suid = changed->fsuid = changed->euid;
  changed->sgid = changed->fsgid = changed->egid;
  CapabilitiesAtExec(*changed);
  program.uid = changed->uid;
  program.euid = changed->euid;
  program.gid = changed->gid;
  program.egid = changed->egid;
  program.secure = changed->uid != changed->euid || changed->gid != changed->egid;
  return changed;
}

void SetComm(Task& task, const char* path) {
  const char* name = path;
  for (const char* at = path; *at != '\0'; ++at) {
    if (*at == '/') {
      name = at + 1;
    }
  }
  memset(task.comm, 0, sizeof(task.comm));
  for (size_t i = 0; i + 1 < sizeof(task.comm) && name[i] != '\0'; ++i) {
    task.comm[i] = name[i];
  }
}

void SwapMm(Task& task, NewProgram& program) {
  Mm* old = task.mm();
  MmRelease(task);  // wakes the parent of a vfork, runs the robust list
  task.set_mm(program.mm);
  program.mm = nullptr;
  InstallUserContext(task);
  if (old != nullptr && !HasMutant(Mutant::kExecKeepsMm)) {
    task.signal().dead_threads.max_rss_pages =
        MaxRss(task.signal().dead_threads.max_rss_pages, *old);
    old->Put();
  }
  if (task.exe_file() != nullptr) {
    task.exe_file()->Release();
  }
  task.set_exe_file(program.file.Leak());
}

void ResetRegisters(Task& task, const NewProgram& program) {
  InitFpu(task.fpu);
  RestoreFpu(task.fpu);
  task.fs_base = task.gs_base = 0;
  WriteFsBase(0);
  WriteGsBase(0);
  SetUserRegistersOwner(&task);
  InitUserFrame(task.frame(), EntryOf(program), program.stack);
}

// The point of no return: nothing below fails. `former_pid` is the pid that the caller had before
// it may have taken over its leader's.
void BecomeProgram(Task& task, NewProgram& program, Credentials* credentials, const char* path,
                   uint32_t former_pid) {
  const uint64_t entry = EntryOf(program);
  SwapMm(task, program);
  if (!HasMutant(Mutant::kExecKeepsDescriptors)) {
    task.files().CloseOnExec();
  }
  if (!HasMutant(Mutant::kExecKeepsHandlers)) {
    ResetSignalsForExec(task);
  }
  if (!HasMutant(Mutant::kExecKeepsTimers)) {
    DropPosixTimers(task.signal());
  }
  CommitCredentials(credentials);
  SetComm(task, path);
  task.flags &= ~static_cast<uint32_t>(kPfForkNoExec);
  task.rseq_area = 0;
  task.rseq_bytes = 0;
  task.rseq_interrupted = false;
  task.set_child_tid = task.clear_child_tid = 0;
  task.robust_list = 0;
  task.restart = {};
  task.exit_signal = kSigChld;
  for (Task& child : ListView<Task, &proto::TaskRecord::sibling>(task.leader()->children)) {
    child.flags |= proto::kTaskParentExeced;
  }
  task.dumpable = program.secure ? 0 : 1;
  ResetRegisters(task, program);
  EmitEvent(proto::EventKind::kExec, entry, program.stack, former_pid, AddressOf(task.mm()));
  NoteChange(proto::SafepointKind::kSyscall);
}

}  // namespace

Status ExecProgram(const ExecRequest& request) {
  Task& task = *CurrentTask();
  if (task.over_nproc && task.cred().user->processes > task.rlimit(kRlimitNproc)) {
    return Error(EAGAIN);
  }
  task.over_nproc = false;
  NewProgram program;
  ScopeGuard undo([&program] {
    if (program.mm != nullptr) {
      program.mm->Put();
    }
  });
  if (const Status built = Build(task, request, program); !built.ok()) {
    if (program.broken) {
      ForceFatalSignal(task, kSigSegv);  // on Linux the old program is gone by now
    }
    return built;
  }
  if (request.purpose == ExecPurpose::kCheck) {
    return Ok();
  }
  Credentials* credentials = TRY(NewCredentials(task, program));
  ScopeGuard undo_credentials([credentials] { PutCredentials(credentials); });
  TRY(FinishStack(program));
  TRY(UnshareFiles(task));
  // Taken now, used if handlers are still shared once the other threads are gone.
  Sighand* spare = NewSighand();
  if (spare == nullptr) {
    return Error(ENOMEM);
  }
  ScopeGuard free_spare([&spare] { PutSighand(spare); });
  const uint32_t former_pid = task.pid;
  program.mm->Disown();
  const Status alone = BecomeOnlyThread(task);
  program.mm->Get();
  TRY(alone);
  undo_credentials.Dismiss();
  if (task.sighand().refs > 1) {
    memcpy(spare->action, task.sighand().action, sizeof(spare->action));
    PutSighand(&task.sighand());
    task.TaskRecord::sighand = AddressOf(spare);
    spare = nullptr;
  }
  BecomeProgram(task, program, credentials, request.path, former_pid);
  return Ok();
}

}  // namespace fv::guest
