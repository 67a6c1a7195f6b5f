// SPDX-License-Identifier: Apache-2.0
//
// The whole interface of guest/arch: the only code that knows in which ring the kernel runs, and
// the only code with assembly. Upwards it calls the five hooks at the end.
//
// Ring 3: every return to user code loads CR3, so translations are flushed for free. Ring 0: a load
// of CR3 flushes the user's translations (the kernel's are global and never change); while a root
// stays loaded, FlushUserRoot flushes.
#pragma once

#include <cstddef>
#include <cstdint>

#include "guest/arch/trap_frame.h"
#include "proto/boot_info.h"

namespace fv::guest {

// ---- Boot ---------------------------------------------------------------------------------
// Fills GDT, IDT, TSS and the stub's data. Called once, first.
void InitArch(const proto::BootInfo& boot);
// Makes PML4 slot 224 of a new process root: the stub's pages only (ring 3) or the kernel's
// window (ring 0). `root` is the page of the PML4, in the direct map.
void LinkKernelWindow(uint64_t* root);

// The words of the clock, which the host sets up.
inline volatile proto::ClockWords& TheClock() {
  return *reinterpret_cast<volatile proto::ClockWords*>(proto::DirectMap(proto::kClockPhys));
}

// ---- The CPU ------------------------------------------------------------------------------
inline uint64_t ReadCpuTsc() {
  uint32_t low;
  uint32_t high;
  asm volatile("rdtsc" : "=a"(low), "=d"(high));
  return uint64_t{high} << 32 | low;
}
// The kernel's time in cycles (proto/clock.h).
inline uint64_t ReadTsc() {
#if FV_HOSTED
  return ReadCpuTsc();
#else
  const volatile proto::ClockWords& clock = TheClock();
  return clock.is_virtual != 0 ? clock.virtual_tsc : ReadCpuTsc() + clock.tsc_offset;
#endif
}
// Lowest address of the kernel stack that this code runs on.
inline uint64_t CurrentStackBase() {
  uint64_t rsp;
  asm("mov %%rsp, %0" : "=r"(rsp));
  return rsp & ~(proto::kKernelStackBytes - 1);
}
// Writes `word` to the doorbell: leaves to the host, returns when the host resumes the guest.
void RingDoorbell(uint64_t word);
[[noreturn]] void HaltForever();

// ---- Time: ReadTsc scaled by BootInfo::tsc_khz ---------------------------------------------
uint64_t MonotonicNs();                // since boot
uint64_t RealtimeNs();                 // since the epoch
uint64_t TscOfMonotonic(uint64_t ns);  // for deadlines told to the host
uint64_t NsOfTsc(uint64_t cycles);     // a difference of TSC values in ns
// Time is a number that stands still while code runs (kBootDeterministic).
bool ClockIsVirtual();
// REQUIRES: ClockIsVirtual(). It is `ns` now (monotonic), if it was earlier.
void AdvanceClockTo(uint64_t ns);

// ---- Context switch -----------------------------------------------------------------------
// A kernel stack's lowest words:
//   stack[0] = proto::kStackEndMagic, by InitKernelStack
//   stack[1] = owner (the Task), by InitKernelStack
//   stack[2] = canary of the functions that run on it, by SetStackCanary: a switch to the stack
//   puts
//              it where the compiler's stack protector looks, so a function has to find it again
//              above its arrays when it returns
struct KernelContext {
  uint64_t rsp = 0;
};
// Makes a fresh stack (kKernelStackBytes, aligned to its size) start in entry(argument) when it is
// first switched to. A new user task's entry is ReturnFromFork, argument unused.
void InitKernelStack(uint64_t stack_base, void* owner, KernelContext& context, void (*entry)(void*),
                     void* argument);
// For a stack that nothing runs on.
inline void SetStackCanary(uint64_t stack_base, uint64_t canary) {
  reinterpret_cast<uint64_t*>(stack_base)[2] = canary;
}
// Saves the callee-saved registers on the current stack, continues on `to`. Returns when somebody
// switches back.
void SwitchContext(KernelContext& from, KernelContext& to);
// Entry of a task whose TrapFrame is filled in: calls the hook OnReturnToUser, then leaves to user.
void ReturnFromFork(void*);
inline void* CurrentStackOwner() { return reinterpret_cast<void**>(CurrentStackBase())[1]; }
// Which task the next return to user code belongs to: its page-table root and its kernel stack.
// Called by the scheduler at every switch to a user task, and by exec.
void SetUserContext(uint64_t root_gpa, uint64_t stack_base);
// No process root is loaded from here on (before the loaded one is freed, and for kernel tasks).
void LeaveUserRoot();
// User code with this root must not run on stale translations of [start, end). See the head.
void FlushUserRoot(uint64_t root_gpa, uint64_t start, uint64_t end);

// ---- User registers that are not in the trap frame ------------------------------------------
// Bytes of an FPU/SSE/AVX save area (64-byte aligned); constant after InitArch.
size_t FpuBytes();
uint64_t FpuMask();        // XCR0; 0: the area is FXSAVE's 512 bytes
void InitFpu(void* area);  // the state of a new program
void SaveFpu(void* area);  // from the CPU
void RestoreFpu(const void* area);
uint64_t ReadFsBase();
void WriteFsBase(uint64_t base);
uint64_t ReadGsBase();
void WriteGsBase(uint64_t base);

// The start state of a program (System V ABI, process initialisation).
void InitUserFrame(TrapFrame& frame, uint64_t entry, uint64_t stack);
// The flags of `rflags` that a user program may set itself; the rest is kept at fixed values.
uint64_t SanitizeUserFlags(uint64_t rflags);

// ---- Hooks: implemented above arch ---------------------------------------------------------
void OnSyscall(TrapFrame& frame);
// `address` is CR2, `error_code` the CPU's (Intel SDM vol. 3, 4.7).
void OnPageFault(TrapFrame& frame, uint64_t address, uint64_t error_code);
void OnException(TrapFrame& frame);
void OnTick(TrapFrame& frame);
// Last call before user code runs: signals, rescheduling. May switch tasks and return later.
void OnReturnToUser(TrapFrame& frame);

}  // namespace fv::guest
