// SPDX-License-Identifier: Apache-2.0
//
// From the assembly entries to the hooks and back to user code, for both rings. The only C++ that
// knows how a trap arrived; above it a TrapFrame is a TrapFrame.

#include "guest/arch/arch.h"
#include "guest/arch/cpu_state.h"
#include "guest/arch/descriptors.h"
#include "guest/arch/stub.h"
#include "guest/lib/mutants.h"
#include "guest/lib/print.h"
#include "guest/lib/sanitize.h"
#include "proto/layout.h"

namespace fv::guest {

extern "C" {
extern const char fv_syscall_entry[];
extern const char fv_entry_ring3[];
extern const char fv_stack_start[];
[[noreturn]] void fv_return_ring3(TrapFrame* frame);
[[noreturn]] void fv_return_ring0(TrapFrame* frame);
[[noreturn]] void fv_sysret_ring0(TrapFrame* frame);
void fv_switch(uint64_t* save_rsp, uint64_t load_rsp);
[[noreturn]] void TrapRing3(TrapFrame* frame);
[[noreturn]] void TrapRing0(TrapFrame* frame);
// Where the compiler's code looks for the canary (-mstack-protector-guard=global).
constinit uint64_t __stack_chk_guard = 0;
}

namespace {

constexpr uint64_t kVectorPageFault = 14;
constexpr uint64_t kFlagAlwaysOne = 0x2;
constexpr uint64_t kFlagInterrupts = 0x200;
constexpr uint64_t kFlagTrap = 0x100;
// A page flush by INVLPG costs less than refilling the TLB after a load of CR3, up to about here
// (Linux: tlb_single_page_flush_ceiling).
constexpr uint64_t kMostSinglePages = 32;

unsigned kernel_ring;
bool has_sysret;
uint64_t current_user_root;
// Kernel ring 3: who was interrupted. The address says nothing: a user may jump anywhere.
bool kernel_runs = true;

constexpr bool PushesErrorCode(uint64_t vector) {
  return vector == 8 || (vector >= 10 && vector <= 14) || vector == 17 || vector == 21 ||
         vector == 29 || vector == 30;
}

// For the next trap: it is a page fault unless the stub says otherwise, and the stub's first
// exchange fetches the kernel's root.
void ArmStub() {
  volatile StubData& stub = Stub();
  stub.vector = kVectorPageFault;
  stub.rax_or_root = stub.kernel_root;
}

[[noreturn]] void PanicKernelTrap(const TrapFrame& frame, uint64_t address) {
  Panic("kernel trap %lu at rip %lx rsp %lx rflags %lx error %lx address %lx rax %lx rdi %lx",
        frame.vector, frame.rip, frame.rsp, frame.rflags, frame.error_code, address, frame.rax,
        frame.rdi);
}

// SYSCALL leaves the user's RIP in RCX and RFLAGS in R11 (AMD APM vol. 3, SYSCALL).
void MakeSyscall(TrapFrame& frame) {
  frame.rip = frame.rcx;
  frame.rflags = frame.r11;
  frame.cs = FV_SEL_USER_CODE;
  frame.ss = FV_SEL_USER_DATA;
  frame.vector = kVectorSyscall;
  frame.error_code = 0;
}

// SYSRET takes RIP from RCX and RFLAGS from R11. On Intel it faults in ring 0, on the user's stack,
// if RCX is not canonical (CVE-2012-0217), so only an address below the user's end will do; and TF
// would trap at a wrong place. Everything else goes by IRET.
bool SysretWillDo(const TrapFrame& frame) {
  return has_sysret && frame.vector == kVectorSyscall && frame.rip == frame.rcx &&
         frame.rflags == frame.r11 && frame.rip < proto::kUserEnd &&
         (frame.rflags & kFlagTrap) == 0;
}

[[noreturn]] void LeaveToUser(TrapFrame& frame) {
  OnReturnToUser(frame);
  frame.cs = FV_SEL_USER_CODE;
  frame.ss = FV_SEL_USER_DATA;
  frame.rflags = SanitizeUserFlags(frame.rflags);
  if (frame.rip > proto::kUserEnd) {
    frame.rip = proto::kUserEnd;  // IRETQ must not fault on a non-canonical address
  }
  if (kernel_ring == 0) {
    if (SysretWillDo(frame)) [[likely]] {
      fv_sysret_ring0(&frame);
    }
    fv_return_ring0(&frame);
  }
  volatile StubData& stub = Stub();
  stub.user_root = current_user_root;
  stub.user_rax = frame.rax;
  stub.return_frame.rip = frame.rip;
  stub.return_frame.cs = FV_SEL_USER_CODE;
  stub.return_frame.rflags = frame.rflags;
  stub.return_frame.rsp = frame.rsp;
  stub.return_frame.ss = FV_SEL_USER_DATA;
  kernel_runs = false;
  fv_return_ring3(&frame);
}

// The common part: `address` is CR2 where the vector is a page fault.
[[noreturn]] void Dispatch(TrapFrame& frame, uint64_t address) {
  if (ClockIsVirtual()) [[unlikely]] {
    TheClock().virtual_tsc = TheClock().virtual_tsc + proto::kCyclesPerTrap;
  }
  const bool fetch_of_syscall_entry =
      frame.vector == kVectorPageFault && frame.rip == reinterpret_cast<uint64_t>(fv_syscall_entry);
  if (fetch_of_syscall_entry || frame.vector == kVectorSyscall) {
    MakeSyscall(frame);
    frame.orig_rax = frame.rax;
    OnSyscall(frame);
  } else if (frame.vector == kVectorPageFault) {
    OnPageFault(frame, address, frame.error_code);
  } else if (frame.vector == FV_VECTOR_TICK) {
    OnTick(frame);
  } else {
    OnException(frame);
  }
  LeaveToUser(frame);
}

uint64_t ReadCr2() {
  uint64_t address;
  asm volatile("mov %%cr2, %0" : "=r"(address));
  return address;
}

void LoadCr3(uint64_t root) { asm volatile("mov %0, %%cr3" : : "r"(root) : "memory"); }

}  // namespace

void TrapRing3(TrapFrame* frame) {
  const uint64_t address = Stub().saved_cr2;
  frame->vector = Stub().vector;
  ArmStub();
  if (!PushesErrorCode(frame->vector)) {
    frame->error_code = 0;
  }
  if (kernel_runs) {
    PanicKernelTrap(*frame, address);
  }
  kernel_runs = true;
  if (frame->vector == kVectorSyscall) {  // hardware's SYSCALL with the kernel in ring 3
    frame->rsp = Stub().user_rsp;
  }
  Dispatch(*frame, address);
}

void TrapRing0(TrapFrame* frame) {
  const uint64_t address = frame->vector == kVectorPageFault ? ReadCr2() : 0;
  if ((frame->cs & 3) == 0 || UsesLastStack(frame->vector)) {
    PanicKernelTrap(*frame, address);
  }
  Dispatch(*frame, address);
}

void InitTraps(const proto::BootInfo& boot) {
  kernel_ring = boot.kernel_ring;
  has_sysret = (boot.flags & proto::kBootSysret) != 0;
  if (kernel_ring == 0) {
    LoadCr3(boot.kernel_root_gpa);  // firmware runs on a root that maps more
  }
  InitDescriptors(kernel_ring);
  volatile StubData& stub = Stub();
  stub.kernel_ring = kernel_ring;
  stub.kernel_root = boot.kernel_root_gpa;
  stub.entry_frame.rip = reinterpret_cast<uint64_t>(fv_entry_ring3);
  stub.entry_frame.cs = FV_SEL_USER_CODE;
  stub.entry_frame.rflags = kFlagAlwaysOne;
  stub.entry_frame.ss = FV_SEL_USER_DATA;
  const uint64_t stack_top = CurrentStackBase() + proto::kKernelStackBytes;
  stub.entry_frame.rsp = stack_top;
  stub.stack_top = stack_top;
  ArmStub();
}

unsigned KernelRing() { return kernel_ring; }

void LinkKernelWindow(uint64_t* root) {
  if (kernel_ring == 3) {
    root[proto::kKernelPml4Slot] = StubWindowEntry();
    return;
  }
  const auto* kernel_root = reinterpret_cast<const uint64_t*>(proto::DirectMap(Stub().kernel_root));
  root[proto::kKernelPml4Slot] = kernel_root[proto::kKernelPml4Slot];
}

void SetUserContext(uint64_t root_gpa, uint64_t stack_base) {
  const uint64_t stack_top = stack_base + proto::kKernelStackBytes;
  if (kernel_ring == 3) {
    current_user_root = root_gpa;
    Stub().entry_frame.rsp = stack_top;
    return;
  }
  SetTrapStack(stack_top);
  Stub().stack_top = stack_top;
  if (current_user_root != root_gpa) {
    current_user_root = root_gpa;
    LoadCr3(root_gpa);
  }
}

void LeaveUserRoot() {
  const uint64_t kernel_root = Stub().kernel_root;
  if (kernel_ring == 0 && current_user_root != kernel_root) {
    LoadCr3(kernel_root);
  }
  current_user_root = kernel_root;
}

void FlushUserRoot(uint64_t root_gpa, uint64_t start, uint64_t end) {
  if (kernel_ring != 0 || current_user_root != root_gpa) {
    return;  // the load of CR3 on the way to that root flushes
  }
  if (end - start > kMostSinglePages * proto::kPageBytes) {
    LoadCr3(root_gpa);
    return;
  }
  // Each drops what is cached of upper tables as well (Intel SDM vol. 3, 4.10.4.1).
  for (uint64_t page = start & ~(proto::kPageBytes - 1); page < end; page += proto::kPageBytes) {
    asm volatile("invlpg (%0)" : : "r"(page) : "memory");
  }
}

void InitKernelStack(uint64_t stack_base, void* owner, KernelContext& context, void (*entry)(void*),
                     void* argument) {
  auto* words = reinterpret_cast<uint64_t*>(stack_base);
  words[0] = HasMutant(Mutant::kNoCanary) ? 0 : proto::kStackEndMagic;
  words[1] = reinterpret_cast<uint64_t>(owner);
  sanitize::OnStackMade(stack_base);
  // Below the trap frame: what fv_switch pops (r15 r14 r13 r12 rbp rbx), then its return address.
  auto* top = reinterpret_cast<uint64_t*>(TrapFrameOf(stack_base)) - 1;
  *--top = reinterpret_cast<uint64_t>(fv_stack_start);
  *--top = reinterpret_cast<uint64_t>(entry);     // rbx
  *--top = 0;                                     // rbp
  *--top = reinterpret_cast<uint64_t>(argument);  // r12
  *--top = 0;                                     // r13
  *--top = 0;                                     // r14
  *--top = 0;                                     // r15
  context.rsp = reinterpret_cast<uint64_t>(top);
}

// What runs between the two statements has no canary of its own.
void SwitchContext(KernelContext& from, KernelContext& to) {
  const uint64_t base = to.rsp & ~(proto::kKernelStackBytes - 1);
  __stack_chk_guard = reinterpret_cast<const uint64_t*>(base)[2];
  fv_switch(&from.rsp, to.rsp);
}

void ReturnFromFork(void* /*unused*/) { LeaveToUser(*TrapFrameOf(CurrentStackBase())); }

void InitUserFrame(TrapFrame& frame, uint64_t entry, uint64_t stack) {
  frame = TrapFrame{};
  frame.rip = entry;
  frame.rsp = stack;
  frame.cs = FV_SEL_USER_CODE;
  frame.ss = FV_SEL_USER_DATA;
  frame.rflags = kFlagInterrupts | kFlagAlwaysOne;
  frame.orig_rax = ~uint64_t{0};
}

uint64_t SanitizeUserFlags(uint64_t rflags) {
  constexpr uint64_t kUserMay = 0x24'0DD5;  // CF PF AF ZF SF TF DF OF AC ID
  return (rflags & kUserMay) | kFlagInterrupts | kFlagAlwaysOne;
}

}  // namespace fv::guest
