// SPDX-License-Identifier: Apache-2.0
//
// The user program of the arch probe: position-independent, copied to one user page. RAX selects
// nothing; each trap is answered by probe_kernel.cc, which skips the faulting instruction.

.section .rodata
.global probe_user_begin
.global probe_user_end
.balign 16
probe_user_begin:
  mov $0x1111, %rdi
  mov $0x2222, %rsi
  mov $0x3333, %rdx
  mov $0x4444, %r10
  mov $0x5555, %r8
  mov $0x6666, %r9
  mov $0x7777, %rbx
  mov $0x8888, %r12
  mov $0x9999, %r15
  mov $1, %eax
  syscall                 // 1: registers
  cmp $0x1234567, %rax    // the answer comes back in RAX
  jne bad
  mov 0x10000000, %eax    // 2: page fault, CR2 = 0x10000000 (7 bytes)
  ud2                     // 3: #UD (2 bytes)
  int3                    // 4: #BP (1 byte, RIP after it)
  xor %edx, %edx
  xor %ecx, %ecx
  div %ecx                // 5: #DE (2 bytes)
  hlt                     // 6: #GP (1 byte)
  movabs 0x700000100000, %al // 7: page fault in the kernel's window (9 bytes)
  pcmpeqd %xmm0, %xmm0    // all ones
  mov $2, %eax
  syscall                 // 8: the kernel spoils the FPU and restores it
  movq %xmm0, %rdi
  mov $3, %eax
  syscall                 // 9: RDI must be all ones
  rdtsc
  mov %eax, %r13d
  mov $1000, %r14d
1:
  mov $4, %eax
  syscall                 // null system call
  dec %r14d
  jnz 1b
  rdtsc
  sub %r13d, %eax
  mov %eax, %edi
  mov $5, %eax
  syscall                 // cycles of 1,000 null system calls
2:
  jmp 2b                  // until the tick
bad:
  mov $6, %eax
  syscall
probe_user_end:
