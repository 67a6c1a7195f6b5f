// SPDX-License-Identifier: Apache-2.0
//
// Boot, the kernel's entries and its ways back to user code, for both rings. Every entry builds a
// TrapFrame (trap_frame.h) at the top of the current kernel stack and calls C++ with it.

#include "guest/arch/stub.h"
#include "guest/arch/trap_frame.h"

#define STUB(word) (fv_stub_data + word)(%rip)
#define TRAP_STACK(word) STUB(FV_STUB_TRAP_STACK_TOP - (word))

// The general registers, in TrapFrame's order (top to bottom: rdi ... r15).
.macro PUSH_REGISTERS rax_source
  push %rdi
  push %rsi
  push %rdx
  push %rcx
  push \rax_source
  push %r8
  push %r9
  push %r10
  push %r11
  push %rbx
  push %rbp
  push %r12
  push %r13
  push %r14
  push %r15
  xor %ebp, %ebp
  cld
.endm

.macro POP_REGISTERS
  pop %r15
  pop %r14
  pop %r13
  pop %r12
  pop %rbp
  pop %rbx
  pop %r11
  pop %r10
  pop %r9
  pop %r8
  pop %rax
  pop %rcx
  pop %rdx
  pop %rsi
  pop %rdi
.endm

.text

// The first instruction. RDI: BootInfo, in the direct map.
.global _start
_start:
  lea fv_boot_stack_top(%rip), %rsp
  xor %ebp, %ebp
  push %rbp
  push %rbp
  call KernelMain
  ud2

// ---- Ring 3 -------------------------------------------------------------------------------

// From the stub's IRETQ: RSP is the top of the current task's kernel stack, all other registers are
// the user's except RAX (STUB_RAX_OR_ROOT). The CPU's frame is on the trap stack; its error code, if
// the vector has one, is below it.
.global fv_entry_ring3
.balign 16
fv_entry_ring3:
  pushq TRAP_STACK(8)   // ss
  pushq TRAP_STACK(16)  // rsp
  pushq TRAP_STACK(24)  // rflags
  pushq TRAP_STACK(32)  // cs
  pushq TRAP_STACK(40)  // rip
  pushq TRAP_STACK(48)  // error code
  pushq STUB(FV_STUB_VECTOR)
  pushq $-1
  PUSH_REGISTERS STUB(FV_STUB_RAX_OR_ROOT)
  mov %rsp, %rdi
  sub $8, %rsp
  call TrapRing3
  ud2

// void fv_return_ring3(TrapFrame* frame): the stub's return frame is ready; load the registers and
// raise the exception that the stub knows.
.global fv_return_ring3
fv_return_ring3:
  mov %rdi, %rsp
  POP_REGISTERS
  int3
  ud2

// ---- Ring 0 -------------------------------------------------------------------------------

// SYSCALL on hardware: RCX = user's RIP, R11 = user's RFLAGS, RSP still the user's, IF clear.
.global fv_syscall_ring0
.balign 16
fv_syscall_ring0:
  mov %rsp, STUB(FV_STUB_USER_RSP)
  mov STUB(FV_STUB_STACK_TOP), %rsp
  pushq $FV_SEL_USER_DATA
  pushq STUB(FV_STUB_USER_RSP)
  push %r11
  pushq $FV_SEL_USER_CODE
  push %rcx
  pushq $0
  pushq $256
  pushq $-1
  jmp trap_ring0_registers

// Vectors 0-32, at fv_vectors_ring0 + 16 * N. The CPU pushes an error code for 8, 10-14, 17, 21,
// 29 and 30 (Intel SDM vol. 3, table 6-1; AMD APM vol. 2, 8.2).
.global fv_vectors_ring0
.balign 16
fv_vectors_ring0:
.set vector, 0
.rept 33
  .balign 16
  .if !(vector == 8 || (vector >= 10 && vector <= 14) || vector == 17 || vector == 21 || vector == 29 || vector == 30)
    pushq $0
  .endif
  pushq $vector
  jmp trap_ring0
  .set vector, vector + 1
.endr

trap_ring0:
  pushq $-1
  // An interrupt gate leaves flags as the user set them, AC (which suspends SMAP) among them.
  pushq $2
  popfq
trap_ring0_registers:
  PUSH_REGISTERS %rax
  mov %rsp, %rdi
  sub $8, %rsp
  call TrapRing0
  ud2

// void fv_return_ring0(TrapFrame* frame)
.global fv_return_ring0
fv_return_ring0:
  mov %rdi, %rsp
  POP_REGISTERS
  add $24, %rsp
  iretq

// void fv_sysret_ring0(TrapFrame* frame): RIP and RFLAGS are in RCX and R11 too, RIP is the user's.
// From the load of RSP on the kernel stands on the user's stack: what comes here regardless of IF
// has a stack of its own (descriptors.cc).
.global fv_sysret_ring0
fv_sysret_ring0:
  mov %rdi, %rsp
  POP_REGISTERS
  mov 48(%rsp), %rsp  // behind orig_rax, vector, error_code, rip, cs, rflags
  sysretq

// ---- Context switch -----------------------------------------------------------------------

// void fv_switch(uint64_t* save_rsp, uint64_t load_rsp)
.global fv_switch
.balign 16
fv_switch:
  push %rbx
  push %rbp
  push %r12
  push %r13
  push %r14
  push %r15
  mov %rsp, (%rdi)
  mov %rsi, %rsp
  pop %r15
  pop %r14
  pop %r13
  pop %r12
  pop %rbp
  pop %rbx
  ret

// First code on a fresh stack: RBX = entry, R12 = argument (InitKernelStack put them there).
.global fv_stack_start
fv_stack_start:
  mov %r12, %rdi
  call *%rbx
  ud2

// The boot stack becomes the idle task's kernel stack.
.section .bss.boot_stack, "aw", @nobits
.balign FV_KERNEL_STACK_BYTES
.global fv_boot_stack
fv_boot_stack:
  .skip FV_KERNEL_STACK_BYTES
.global fv_boot_stack_top
fv_boot_stack_top:
