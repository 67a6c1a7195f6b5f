// SPDX-License-Identifier: Apache-2.0
//
// Reads the time-stamp counter with its first instruction, writes it to standard output as eight
// bytes (little endian), and ends. No C library: nothing runs before.
#include <asm/unistd_64.h>

.globl _start
_start:
        rdtsc
        shl     $32, %rdx
        or      %rdx, %rax
        push    %rax
        mov     $__NR_write, %eax
        mov     $1, %edi
        mov     %rsp, %rsi
        mov     $8, %edx
        syscall
        mov     $__NR_exit_group, %eax
        xor     %edi, %edi
        syscall

.section .note.GNU-stack,"",@progbits
