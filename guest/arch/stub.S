// SPDX-License-Identifier: Apache-2.0
//
// The stub page: SYSCALL's target (its first instruction) and the ring-0 side of the kernel that
// runs in ring 3. On software KVM every instruction here is emulated at about 1 us, so the page-fault
// path (which is also the system-call path there) has six. docs/life-of-a-fork.md walks through.
//
// At its end stands the one routine that the host calls, for snapshots.
//
// In ring 3 the trap frame that the CPU pushed stays on the trap stack, where the kernel's entry
// (entry.S) reads it. No stack is used otherwise.

#include "guest/arch/stub.h"

#define STUB(word) (fv_stub_data + word)(%rip)

.section .stub_text, "ax", @progbits
.balign 4096

// LSTAR. Hardware enters here in ring 0 with the user's RSP. Software KVM stays in ring 3 and
// faults on the fetch, since this page belongs to the supervisor: that #PF is the system call.
.global fv_syscall_entry
fv_syscall_entry:
  cmpb $0, STUB(FV_STUB_KERNEL_RING)
  je fv_syscall_ring0
  mov %rsp, STUB(FV_STUB_USER_RSP)
  movq $256, STUB(FV_STUB_VECTOR)
  jmp enter_kernel

// #PF: the kernel presets the vector with 14, so that this path need not store it. One exchange
// saves the user's RAX and fetches the kernel's root.
.global fv_stub_page_fault
.balign 16
fv_stub_page_fault:
  xchg %rax, STUB(FV_STUB_RAX_OR_ROOT)
  mov %rax, %cr3
  mov %cr2, %rax
  mov %rax, STUB(FV_STUB_SAVED_CR2)
  lea STUB(FV_STUB_ENTRY_FRAME), %rsp
  iretq

// #BP from the kernel's window is the kernel's way out (INT3 in entry.S): of the exceptions that
// ring 3 can raise, the cheapest here. User code cannot run there: a fetch would be a #PF.
.global fv_stub_breakpoint
.balign 16
fv_stub_breakpoint:
  cmpw $(FV_KERNEL_BASE >> 32), 4(%rsp)
  jne 1f
  mov STUB(FV_STUB_USER_ROOT), %rax
  mov %rax, %cr3
  mov STUB(FV_STUB_USER_RAX), %rax
  lea STUB(FV_STUB_RETURN_FRAME), %rsp
  iretq
1:
  movq $3, STUB(FV_STUB_VECTOR)

enter_kernel:
  xchg %rax, STUB(FV_STUB_RAX_OR_ROOT)
  mov %rax, %cr3
  lea STUB(FV_STUB_ENTRY_FRAME), %rsp
  iretq

// The other vectors: InitArch finds vector N at fv_stub_vectors + 32 * N.
.global fv_stub_vectors
.balign 32
fv_stub_vectors:
.set vector, 0
.rept 33
  .balign 32
  movq $vector, STUB(FV_STUB_VECTOR)
  jmp enter_kernel
  .set vector, vector + 1
.endr

// Where the host starts the vCPU to have words written (proto/channel.h, RestoreWord): in the
// kernel's ring, with the kernel's root loaded, interrupts off. In ring 0 the load of CR3 drops
// what the CPU remembers of the user's page tables; in ring 3 every way to the user does.
.org FV_RESTORE_ENTRY_OFFSET
  jrcxz 2f
1:
  mov (%rdi), %rax
  mov 8(%rdi), %rsi
  mov %rsi, (%rax)
  add $16, %rdi
  dec %rcx
  jnz 1b
2:
  mov %cs, %eax
  test $3, %al
  jnz 3f
  mov %cr3, %rax
  mov %rax, %cr3
3:
  mov %rbx, (%rdx)
  ud2

.section .stub_gdt, "aw", @progbits
.global fv_stub_gdt
.balign 4096
fv_stub_gdt:
  .fill 4096, 1, 0

.section .stub_idt, "aw", @progbits
.global fv_stub_idt
.balign 4096
fv_stub_idt:
  .fill 4096, 1, 0

.section .stub_data, "aw", @progbits
.global fv_stub_data
.balign 4096
fv_stub_data:
  .fill 4096, 1, 0
