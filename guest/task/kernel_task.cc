// SPDX-License-Identifier: Apache-2.0
//
// Tasks that run the kernel's own code: nobody forks them, they begin at a function, without an
// address space. init and the first program begin as such.
#include "guest/arch/arch.h"
#include "guest/lib/scope_guard.h"
#include "guest/task/cred.h"
#include "guest/task/lifecycle.h"
#include "guest/task/pid.h"
#include "guest/task/sched_internal.h"
#include "guest/task/signal_internal.h"
#include "guest/task/task.h"
#include "guest/task/task_internal.h"

namespace fv::guest {

Result<Task*> MakeKernelTask(void (*entry)(void*), Task* parent) {
  Task* task = TRY(AllocateTask());
  ScopeGuard undo([task] {
    task->usage = 1;
    PutTask(*task);
  });
  TRY(AllocateFpu(*task));
  Sighand* sighand = NewSighand();
  SignalStruct* signal = NewSignalStruct();
  ScopeGuard undo_signals([=] {
    PutSighand(sighand);
    PutSignalStruct(signal);
  });
  if (sighand == nullptr || signal == nullptr) {
    return Error(ENOMEM);
  }
  task->TaskRecord::sighand = AddressOf(sighand);
  task->TaskRecord::signal = AddressOf(signal);
  signal->leader = task;
  SetInitialLimits(*signal);
  task->set_credentials(TRY(MakeRootCredentials()));
  ++task->cred().user->processes;
  task->uts = Ref<UtsNamespace>(InitialUtsNamespace());
  task->pid_for_children = Ref<PidNamespace>(InitialPidNamespace());
  Pid* id = TRY(AllocatePid(InitialPidNamespace(), {}));
  task->TaskRecord::id = AddressOf(static_cast<proto::PidRecord*>(id));
  signal->group = signal->session = id;
  undo_signals.Dismiss();
  undo.Dismiss();
  task->pid = task->tgid = task->pgid = task->sid = id->global();
  task->TaskRecord::leader = AddressOf(task);
  task->flags = kPfKthread;
  task->exit_signal = kSigChld;
  task->altstack.flags = kSsDisable;
  task->start_tsc = ReadTsc();
  task->start_ns = MonotonicNs();
  InitKernelStack(task->stack, task, task->context, entry, nullptr);
  if (parent != nullptr) {
    SetParent(*task, *parent);
  }
  AttachIds(*task);
  HashTask(*task);
  PublishTask(*task);
  return task;
}

}  // namespace fv::guest
