// SPDX-License-Identifier: Apache-2.0
//
// The hooks that guest/arch calls: exceptions become signals (Linux: arch/x86/kernel/traps.c has
// the codes; sigaction(2) lists them), ticks run the clockwork, and the last word before user code.

#include "guest/arch/arch.h"
#include "guest/fs/console.h"
#include "guest/introspect/introspect.h"
#include "guest/lib/print.h"
#include "guest/mm/mm.h"
#include "guest/mm/user_copy.h"
#include "guest/task/fork_clock.h"
#include "guest/task/fpe_code.h"
#include "guest/task/oom.h"
#include "guest/task/rseq.h"
#include "guest/task/sched.h"
#include "guest/task/sched_internal.h"
#include "guest/task/signal_internal.h"
#include "guest/task/task.h"

namespace fv::guest {
namespace {

// si_code values of faults (sigaction(2)).
constexpr int kSegvMapErr = 1;
constexpr int kSegvAccErr = 2;
constexpr int kBusAdrAln = 1;
constexpr int kBusAdrErr = 2;
constexpr int kIllOpn = 2;
constexpr int kFpeIntDiv = 1;
constexpr int kTrapTrace = 2;

enum Vector : uint64_t {
  kDivide = 0,
  kDebug = 1,
  kBreakpoint = 3,
  kOverflow = 4,
  kBound = 5,
  kInvalidOpcode = 6,
  kSegmentNotPresent = 11,
  kStackSegment = 12,
  kGeneralProtection = 13,
  kX87 = 16,
  kAlignment = 17,
  kSimd = 19,
};

void Fault(int signo, int code, uint64_t address) {
  SigInfo info;
  info.signo = signo;
  info.code = code;
  info.fault.address = address;
  ForceSignal(info);
}

// INT n of a user is a general protection fault (no gate is open to it); where ring 0 is emulated,
// the host reports an invalid opcode instead.
bool IsSoftwareInterrupt(Task& task, uint64_t rip) {
  constexpr uint8_t kIntOpcode = 0xCD;
  const Result<uint8_t> opcode = ReadUser<uint8_t>(*task.mm(), rip);
  return opcode.ok() && opcode.value() == kIntOpcode;
}

void FaultWithFpuState(Task& task, uint64_t vector, uint64_t rip) {
  SaveUserRegisters(task);
  const auto* area = static_cast<const uint8_t*>(task.fpu);
  Fault(kSigFpe, vector == kX87 ? X87FaultCode(area) : SimdFaultCode(area), rip);
}

}  // namespace

void OnPageFault(TrapFrame& frame, uint64_t address, uint64_t error_code) {
  AccountUserTime();
  ++ThisCpu().faults;
  Task& task = *CurrentTask();
  Mm& mm = *task.mm();
  task.fault_address = address;
  const uint64_t cow_before = mm.cow_faults;
  const FaultResult result = HandleFault(mm, address, FaultAccessOf(error_code), frame.rip);
  switch (result) {
    case FaultResult::kHandled:
      ++task.minor_faults;
      ++task.times.minor_faults;
      task.cow_faults += mm.cow_faults - cow_before;
      break;
    case FaultResult::kSegvMapErr:
      Fault(kSigSegv, kSegvMapErr, address);
      break;
    case FaultResult::kSegvAccErr:
      Fault(kSigSegv, kSegvAccErr, address);
      break;
    case FaultResult::kBusAdrErr:
      Fault(kSigBus, kBusAdrErr, address);
      break;
    case FaultResult::kOutOfMemory:
      WaitForMemory(task);
      break;
  }
}

void OnException(TrapFrame& frame) {
  AccountUserTime();
  Task& task = *CurrentTask();
  switch (frame.vector) {
    case kDivide:
      return Fault(kSigFpe, kFpeIntDiv, frame.rip);
    case kDebug:
      return Fault(kSigTrap, kTrapTrace, frame.rip);
    case kBreakpoint:
      return ForceSignal(KernelSignal(kSigTrap));
    case kOverflow:
    case kBound:
    case kGeneralProtection:
      return ForceSignal(KernelSignal(kSigSegv));
    case kInvalidOpcode:
      if (IsSoftwareInterrupt(task, frame.rip)) {
        return ForceSignal(KernelSignal(kSigSegv));
      }
      return Fault(kSigIll, kIllOpn, frame.rip);
    case kSegmentNotPresent:
    case kStackSegment:
      return ForceSignal(KernelSignal(kSigBus));
    case kX87:
    case kSimd:
      return FaultWithFpuState(task, frame.vector, frame.rip);
    case kAlignment:
      return Fault(kSigBus, kBusAdrAln, frame.rip);
    default:
      Log("pid %u: unexpected exception %lu at %lx\n", task.pid, frame.vector, frame.rip);
      return ForceFatalSignal(task, kSigKill);
  }
}

void OnTick(TrapFrame& /*frame*/) {
  Task& task = *CurrentTask();
  AccountUserTime();
  ChargeCpuTimers(task);
  ExpireTimers();
  ConsolePoll();
  SchedulerTick();
}

void OnReturnToUser(TrapFrame& frame) {
  FinishSwitch();
  for (;;) {
    if (NeedResched()) {
      Schedule();
      continue;
    }
    const bool interrupted_call = frame.orig_rax != ~uint64_t{0} &&
                                  -static_cast<int64_t>(frame.rax) >= kErestartSys &&
                                  -static_cast<int64_t>(frame.rax) <= kErestartBlock;
    Task& task = *CurrentTask();
    if (SignalPending(task) || interrupted_call || task.restore_mask) {
      DeliverSignals(frame);
    } else if (task.rseq_interrupted) {
      InterruptRseq(task, frame, 0);  // may send a signal
    } else {
      break;
    }
  }
  MarkForkReturn();
  AccountKernelTime();
  SafepointIfNoted();
}

}  // namespace fv::guest
