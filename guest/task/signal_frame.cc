// SPDX-License-Identifier: Apache-2.0
//
// Building and undoing the frame of a signal handler. Whatever a program left in the frame that
// rt_sigreturn reads is checked before the CPU sees it: an XRSTOR of a bad area would fault in the
// kernel.

#include "guest/task/signal_frame.h"

#include "guest/arch/arch.h"
#include "guest/lib/string.h"
#include "guest/mm/user_copy.h"
#include "guest/task/fpu_frame.h"
#include "guest/task/sched_internal.h"
#include "guest/task/signal_internal.h"
#include "guest/task/task.h"

namespace fv::guest {
namespace {

constexpr uint64_t kRedZoneBytes = 128;
constexpr uint64_t kHandlerClears = 0x10500;  // TF, DF, RF
constexpr uint16_t kUserCode = FV_SEL_USER_CODE;
constexpr uint16_t kUserData = FV_SEL_USER_DATA;

uint64_t FpuFrameBytes() { return FpuBytes() + (FpuMask() != 0 ? sizeof(kFpXstateMagic2) : 0); }

SigContext ContextOf(const TrapFrame& frame, SigSet mask, uint64_t fpu, uint64_t fault_address) {
  SigContext context{};
  context.r8 = frame.r8;
  context.r9 = frame.r9;
  context.r10 = frame.r10;
  context.r11 = frame.r11;
  context.r12 = frame.r12;
  context.r13 = frame.r13;
  context.r14 = frame.r14;
  context.r15 = frame.r15;
  context.rdi = frame.rdi;
  context.rsi = frame.rsi;
  context.rbp = frame.rbp;
  context.rbx = frame.rbx;
  context.rdx = frame.rdx;
  context.rax = frame.rax;
  context.rcx = frame.rcx;
  context.rsp = frame.rsp;
  context.rip = frame.rip;
  context.eflags = frame.rflags;
  context.cs = kUserCode;
  context.ss = kUserData;
  context.error_code = frame.vector < kVectorSyscall ? frame.error_code : 0;
  context.trap_number = frame.vector < kVectorSyscall ? frame.vector : 0;
  context.old_mask = mask;
  context.cr2 = fault_address;
  context.fpstate = fpu;
  return context;
}

void LoadContext(TrapFrame& frame, const SigContext& context) {
  frame.r8 = context.r8;
  frame.r9 = context.r9;
  frame.r10 = context.r10;
  frame.r11 = context.r11;
  frame.r12 = context.r12;
  frame.r13 = context.r13;
  frame.r14 = context.r14;
  frame.r15 = context.r15;
  frame.rdi = context.rdi;
  frame.rsi = context.rsi;
  frame.rbp = context.rbp;
  frame.rbx = context.rbx;
  frame.rdx = context.rdx;
  frame.rax = context.rax;
  frame.rcx = context.rcx;
  frame.rsp = context.rsp;
  frame.rip = context.rip;
  frame.rflags = SanitizeUserFlags(context.eflags);
  frame.orig_rax = ~uint64_t{0};
}

// The FPU state as the handler's frame holds it: the save area, Linux's words in its reserved
// bytes, the second magic word behind it.
Status WriteFpuFrame(Task& task, uint64_t to) {
  SaveUserRegisters(task);
  auto* area = static_cast<uint8_t*>(task.fpu);
  if (FpuMask() == 0) {
    return CopyToUser(*task.mm(), to, area, FpuBytes());
  }
  FpxSwBytes words{};
  words.magic1 = kFpXstateMagic1;
  words.extended_size = static_cast<uint32_t>(FpuFrameBytes());
  words.xfeatures = FpuMask();
  words.xstate_size = static_cast<uint32_t>(FpuBytes());
  TRY(CopyToUser(*task.mm(), to, area, FpuBytes()));
  TRY(CopyToUser(*task.mm(), to + kFpSwReservedOffset, &words, sizeof(words)));
  return WriteUser(*task.mm(), to + FpuBytes(), kFpXstateMagic2);
}

void LoadFpu(Task& task) {
  RestoreFpu(task.fpu);
  // The bases are still the task's own: it is running.
}

// The user's frame into the task's save area, which is whole afterwards. Errors: EFAULT.
Status ReadFpuArea(Task& task, uint64_t from) {
  auto* area = static_cast<uint8_t*>(task.fpu);
  const size_t bytes = FpuBytes();
  const uint32_t mxcsr_mask = MxcsrMaskOf(area);
  memset(area, 0, bytes);
  const size_t read = CopyFromUserPartial(*task.mm(), area, from, bytes);
  if (read < kFxsaveBytes) {
    return Error(EFAULT);
  }
  uint32_t magic2 = 0;
  if (read == bytes && FpuMask() != 0) {
    (void)CopyFromUser(*task.mm(), &magic2, from + bytes, sizeof(magic2)).ok();
  }
  return CheckFpuFrame(area, bytes, FpuMask(), mxcsr_mask, magic2);
}

// A frame that is none leaves the registers of a new program, as on Linux (fpu__restore_sig).
Status ReadFpuFrame(Task& task, uint64_t from) {
  SaveUserRegisters(task);  // also refreshes the mask of valid MXCSR bits
  const Status status = from == 0 ? Ok() : ReadFpuArea(task, from);
  if (from == 0 || !status.ok()) {
    InitFpu(task.fpu);
  }
  LoadFpu(task);
  return status;
}

// By the address alone: with SS_AUTODISARM nobody counts as being on it, but a frame has to fit.
bool WithinAlternateStack(const Task& task, uint64_t sp) {
  return sp > task.altstack.sp && sp - task.altstack.sp <= task.altstack.size;
}

uint64_t HandlerStack(const Task& task, const TrapFrame& frame, const SigAction& action) {
  const uint64_t sp = frame.rsp - kRedZoneBytes;
  const bool wants_altstack = (action.flags & kSaOnStack) != 0;
  const bool disabled = task.altstack.size == 0 || (task.altstack.flags & kSsDisable) != 0;
  if (!wants_altstack || disabled || OnAlternateStack(task, frame.rsp)) {
    return sp;
  }
  return task.altstack.sp + task.altstack.size;
}

bool Overflows(const Task& task, uint64_t before, uint64_t frame) {
  const bool starts_there =
      OnAlternateStack(task, before) || before == task.altstack.sp + task.altstack.size;
  const bool enabled = task.altstack.size != 0 && (task.altstack.flags & kSsDisable) == 0;
  return enabled && starts_there && !WithinAlternateStack(task, frame);
}

}  // namespace

uint64_t SignalFrameBytes() {
  constexpr uint64_t kAlignmentLoss = 63 + 15 + 8;
  return kRedZoneBytes + FpuFrameBytes() + sizeof(RtSigFrame) + kAlignmentLoss;
}

bool OnAlternateStack(const Task& task, uint64_t sp) {
  if ((task.altstack.flags & kSsAutoDisarm) != 0) {
    return false;
  }
  return WithinAlternateStack(task, sp);
}

Status SetUpSignalFrame(Task& task, TrapFrame& frame, const SigAction& action, const SigInfo& info,
                        SigSet old_mask) {
  if ((action.flags & kSaRestorer) == 0) {
    return Error(EFAULT);  // x86-64 Linux has no return path of its own
  }
  const uint64_t top = HandlerStack(task, frame, action);
  const SignalFramePlace place = PlaceSignalFrame(top, FpuFrameBytes());
  if (Overflows(task, top, place.frame)) {
    return Error(EFAULT);
  }
  TRY(WriteFpuFrame(task, place.fpu));
  RtSigFrame out{};
  out.return_address = action.restorer;
  out.uc.flags = (FpuMask() != 0 ? kUcFpXstate : 0) | kUcSigcontextSs | kUcStrictRestoreSs;
  out.uc.stack = task.altstack;
  out.uc.mcontext = ContextOf(frame, old_mask, place.fpu, task.fault_address);
  out.uc.sigmask = old_mask;
  out.info = info;
  TRY(CopyToUser(*task.mm(), place.frame, &out, sizeof(out)));
  if ((task.altstack.flags & kSsAutoDisarm) != 0) {
    task.altstack = SigStack{0, kSsDisable, 0, 0};
  }
  frame.rdi = static_cast<uint64_t>(info.signo);
  frame.rsi = place.frame + offsetof(RtSigFrame, info);
  frame.rdx = place.frame + offsetof(RtSigFrame, uc);
  frame.rax = 0;
  frame.rip = action.handler;
  frame.rsp = place.frame;
  frame.rflags &= ~kHandlerClears;
  frame.orig_rax = ~uint64_t{0};
  InitFpu(task.fpu);
  LoadFpu(task);
  return Ok();
}

Status RestoreSignalFrame(Task& task, TrapFrame& frame) {
  const uint64_t at = frame.rsp - sizeof(uint64_t);
  UContext context = TRY(ReadUser<UContext>(*task.mm(), at + offsetof(RtSigFrame, uc)));
  TRY(ReadFpuFrame(task, context.mcontext.fpstate));
  SetBlocked(task, context.sigmask);
  LoadContext(frame, context.mcontext);
  frame.vector = kVectorSyscall;
  task.restart = {};
  RestoreAlternateStack(task, context.stack);
  return Ok();
}

}  // namespace fv::guest
