// SPDX-License-Identifier: Apache-2.0
//
// What a child takes over, part by part. kernel/fork.c of Linux has the same steps by these names.
#include "guest/task/fork_parts.h"

#include "guest/arch/arch.h"
#include "guest/fs/fd_table.h"
#include "guest/fs/file.h"
#include "guest/fs/fs_context.h"
#include "guest/introspect/introspect.h"
#include "guest/lib/mutants.h"
#include "guest/lib/string.h"
#include "guest/mm/mm.h"
#include "guest/task/cred.h"
#include "guest/task/lifecycle.h"
#include "guest/task/priority.h"
#include "guest/task/sched.h"
#include "guest/task/sched_internal.h"
#include "guest/task/signal_internal.h"
#include "guest/task/task.h"
#include "guest/task/task_internal.h"

namespace fv::guest {
namespace {

void InheritScheduling(const Task& parent, Task& child) {
  child.policy = parent.policy;
  child.nice = parent.nice;
  child.rt_priority = parent.rt_priority;
  child.affinity = parent.affinity;
  if (parent.reset_on_fork) {  // SCHED_RESET_ON_FORK: back to an ordinary task (sched(7))
    const bool realtime = HasRealtimePolicy(parent);
    child.policy = realtime ? SchedPolicy::kOther : parent.policy;
    if (realtime || parent.nice < 0) {
      child.nice = 0;
    }
    child.rt_priority = 0;
  }
}

// The addresses that the child writes at once: its stack, its thread block, its tid.
HotPages HotPagesOf(const CloneArgs& args, const Task& parent) {
  HotPages hot;
  hot.Add(args.stack != 0 ? args.stack - 8 : parent.frame().rsp - 8);
  hot.Add(parent.fs_base);
  if ((args.flags & kCloneChildSetTid) != 0) {
    hot.Add(args.child_tid);
  }
  return hot;
}

}  // namespace

Result<Task*> DupTaskStruct(const Task& parent) {
  Task* child = TRY(AllocateTask());
  if (Status status = AllocateFpu(*child); !status.ok()) {
    child->usage = HasMutant(Mutant::kFailKeepsStack) ? 2 : 1;
    PutTask(*child);
    return status.error();
  }
  memcpy(child->comm, parent.comm, sizeof(child->comm));
  child->flags = (parent.flags & ~(kPfSuperPriv | kPfKthread)) | kPfForkNoExec;
  child->blocked = HasMutant(Mutant::kMaskForgotten) ? 0 : parent.blocked;
  if (HasMutant(Mutant::kPendingInherited)) {
    child->pending.set = parent.pending.set | parent.signal().shared_pending.set;
    child->notified = child->pending.set != 0;
  }
  child->personality = parent.personality;
  child->no_new_privs = parent.no_new_privs;
  child->dumpable = parent.dumpable;
  child->timer_slack_ns = child->default_timer_slack_ns = parent.timer_slack_ns;
  child->start_tsc = ReadTsc();
  child->start_ns = MonotonicNs();
  child->mark_tsc = child->start_tsc;
  InheritScheduling(parent, *child);
  return child;
}

void CopyCreds(const Task& parent, Task& child) {
  child.set_credentials(&GetCredentials(*parent.credentials()));
  ++child.cred().user->processes;
}

Status CopyFiles(uint64_t flags, const Task& parent, Task& child) {
  if ((flags & kCloneFiles) != 0 || HasMutant(Mutant::kFilesShared)) {
    parent.files().AddRef();
    child.set_files(&parent.files());
  } else {
    child.set_files(TRY(parent.files().Copy()).Leak());
  }
  if (File* exe = parent.exe_file()) {
    exe->AddRef();
    child.set_exe_file(exe);
  }
  return Ok();
}

Status CopyFs(uint64_t flags, const Task& parent, Task& child) {
  if ((flags & kCloneFs) != 0 || HasMutant(Mutant::kDirectoryShared)) {
    parent.fs().AddRef();
    child.set_fs(&parent.fs());
  } else {
    child.set_fs(TRY(parent.fs().Copy()).Leak());
    if (HasMutant(Mutant::kUmaskForgotten)) {
      child.fs().mask = 0;
    }
  }
  return Ok();
}

Status CopySighand(uint64_t flags, const Task& parent, Task& child) {
  if ((flags & kCloneSighand) != 0 || HasMutant(Mutant::kHandlersShared)) {
    ++parent.sighand().refs;
    child.TaskRecord::sighand = AddressOf(&parent.sighand());
    return Ok();
  }
  Sighand* sighand = NewSighand();
  if (sighand == nullptr) {
    return Error(ENOMEM);
  }
  memcpy(sighand->action, parent.sighand().action, sizeof(sighand->action));
  if ((flags & kCloneClearSighand) != 0) {
    ResetHandlers(*sighand);
  }
  child.TaskRecord::sighand = AddressOf(sighand);
  return Ok();
}

Status CopySignal(uint64_t flags, const Task& parent, Task& child) {
  if ((flags & kCloneThread) != 0) {
    ++parent.signal().refs;
    child.TaskRecord::signal = AddressOf(&parent.signal());
    return Ok();
  }
  SignalStruct* signal = NewSignalStruct();
  if (signal == nullptr) {
    return Error(ENOMEM);
  }
  const SignalStruct& from = parent.signal();
  if (!HasMutant(Mutant::kLimitsForgotten)) {
    memcpy(signal->rlimits, from.rlimits, sizeof(signal->rlimits));
  }
  if (HasMutant(Mutant::kTimerInherited) && from.real_timer.armed) {
    signal->real_timer.fire = from.real_timer.fire;
    ArmTimer(signal->real_timer, from.real_timer.deadline_ns);
  }
  signal->flags = from.flags & kSignalHasTty;
  signal->oom_score_adj = from.oom_score_adj;
  signal->least_oom_score_adj = from.least_oom_score_adj;
  signal->leader = &child;
  signal->group = from.group;
  signal->session = from.session;
  child.TaskRecord::signal = AddressOf(signal);
  return Ok();
}

Status CopyMm(const CloneArgs& args, Task& parent, Task& child, ForkCounts& counts) {
  Mm& mm = *parent.mm();
  if ((args.flags & kCloneVm) != 0) {
    mm.Get();
    child.set_mm(&mm);
    return Ok();
  }
  mm.limits.privilege = CommitPrivilegeOf(parent);
  child.set_mm(TRY(DupMm(mm, counts, HotPagesOf(args, parent))));
  return Ok();
}

Status CopyThread(const CloneArgs& args, Task& parent, Task& child) {
  if ((args.flags & kCloneSetTls) != 0 && args.tls >= proto::kUserEnd) {
    return Error(EPERM);  // as arch_prctl(2); the CPU takes no address that is not canonical
  }
  SaveUserRegisters(parent);
  memcpy(child.fpu, parent.fpu, FpuBytes());
  child.fs_base = (args.flags & kCloneSetTls) != 0 ? args.tls : parent.fs_base;
  child.gs_base = parent.gs_base;
  TrapFrame& frame = child.frame();
  frame = parent.frame();
  frame.rax = 0;
  frame.orig_rax = ~uint64_t{0};
  if (args.stack != 0) {
    frame.rsp = args.stack;
  }
  // F36: a thread cannot share the alternate stack; vfork's child runs before the parent does.
  if ((args.flags & (kCloneVm | kCloneVfork)) != kCloneVm) {
    child.altstack = parent.altstack;
  } else {
    child.altstack = SigStack{0, kSsDisable, 0, 0};
  }
  if ((args.flags & kCloneVm) == 0) {  // rseq: registered areas follow a copy, not a thread
    child.rseq_area = parent.rseq_area;
    child.rseq_bytes = parent.rseq_bytes;
    child.rseq_signature = parent.rseq_signature;
  }
  return Ok();
}

}  // namespace fv::guest
