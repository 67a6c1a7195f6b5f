// SPDX-License-Identifier: Apache-2.0
//
// From the reset vector to the kernel's first instruction. Runs once, from ROM, without a stack of
// its own; every value that it loads is in the parameters (firmware.h), so that the state has one
// source, InitialCpuState. Intel SDM volume 3, 10.8.5 and 10.9 (switching modes), is followed.

#include "proto/layout.h"
#include "vmm/qemu/firmware.h"

#define PARAMETER(offset) (FV_FIRMWARE_BASE + (offset))
// Page-table entry: present, writable, accessed; a page also dirty and of 2 MiB.
#define TABLE_BITS 0x23
#define PAGE_BITS 0xE3

#define CODE32 0x08
#define DATA32 0x10
#define CODE64 0x18

.section .firmware, "ax", @progbits
firmware:
  .fill FV_FW_ROOT, 1, 0

// Identity for the last 2 MiB below 4 GiB, where this code is.
  .quad PARAMETER(FV_FW_PDPT) + TABLE_BITS
  .fill 511, 8, 0
  .fill 3, 8, 0
  .quad PARAMETER(FV_FW_PD) + TABLE_BITS
  .fill 508, 8, 0
  .fill 511, 8, 0
  .quad 0xFFE00000 + PAGE_BITS

.org FV_FW_CODE
boot_gdt:
  .quad 0
  .quad 0x00CF9B000000FFFF  // 32-bit code
  .quad 0x00CF93000000FFFF  // data
  .quad 0x00AF9B000000FFFF  // 64-bit code
boot_gdt_end:
boot_gdt_register:
  .word boot_gdt_end - boot_gdt - 1
  .long FV_FIRMWARE_BASE + (boot_gdt - firmware)

.code16
real_mode:
  cli
  lgdtl %cs:(boot_gdt_register - firmware)
  mov %cr0, %eax
  or $1, %al
  mov %eax, %cr0
  ljmpl $CODE32, $(FV_FIRMWARE_BASE + (protected_mode - firmware))

.code32
protected_mode:
  mov $DATA32, %ax
  mov %ax, %ds
  mov %ax, %es
  mov %ax, %ss

// Interrupt controllers: vectors from 32, end of interrupt by itself, only the timer let through.
  mov $0x11, %al
  out %al, $0x20
  out %al, $0xA0
  mov $FV_VECTOR_TICK, %al
  out %al, $0x21
  mov $(FV_VECTOR_TICK + 8), %al
  out %al, $0xA1
  mov $4, %al
  out %al, $0x21
  mov $2, %al
  out %al, $0xA1
  mov $3, %al
  out %al, $0x21
  out %al, $0xA1
  mov $0xFF, %al
  out %al, $0xA1
  cmpl $0, PARAMETER(FV_FW_TIMER_COUNT)
  je 1f
// Channel 0 of the interval timer, low byte then high byte, rate generator.
  mov $0x34, %al
  out %al, $0x43
  mov PARAMETER(FV_FW_TIMER_COUNT), %eax
  out %al, $0x40
  mov %ah, %al
  out %al, $0x40
  mov $0xFE, %al
1:
  out %al, $0x21

  mov PARAMETER(FV_FW_CR4), %eax
  mov %eax, %cr4
  mov $PARAMETER(FV_FW_ROOT), %eax
  mov %eax, %cr3
  mov $0xC0000080, %ecx
  mov PARAMETER(FV_FW_EFER), %eax
  xor %edx, %edx
  wrmsr
  mov PARAMETER(FV_FW_CR0), %eax
  mov %eax, %cr0
  ljmpl $CODE64, $(FV_FIRMWARE_BASE + (long_mode - firmware))

.code64
#define AT(offset) (firmware + (offset))(%rip)
long_mode:
  mov AT(FV_FW_MSR_COUNT), %edi
  lea AT(FV_FW_MSRS), %rsi
1:
  test %edi, %edi
  jz 2f
  mov (%rsi), %ecx
  mov 8(%rsi), %eax
  mov 12(%rsi), %edx
  wrmsr
  add $16, %rsi
  dec %edi
  jmp 1b
2:
  cmpq $0, AT(FV_FW_XCR0)
  je 3f
  xor %ecx, %ecx
  mov AT(FV_FW_XCR0), %eax
  mov AT(FV_FW_XCR0 + 4), %edx
  xsetbv
3:
  lgdt AT(FV_FW_GDT)
  lidt AT(FV_FW_IDT)
  mov AT(FV_FW_MAILBOX), %rbx
  lea 0x1000(%rbx), %rsp
  pushq AT(FV_FW_CS)
  lea 4f(%rip), %rax
  push %rax
  lretq
4:
  mov AT(FV_FW_SS), %eax
  mov %eax, %ss
  xor %eax, %eax
  mov %eax, %ds
  mov %eax, %es
  mov %eax, %fs
  mov %eax, %gs
  lldt %ax

// Tell the host what the time-stamp counter shows, and wait until it has set the clocks. After a
// triple fault this comes a second time, and is the end.
  rdtsc
  shl $32, %rdx
  or %rdx, %rax
  mov %rax, FV_MAILBOX_TSC(%rbx)
  movq $FV_FW_READY, FV_MAILBOX_WORD(%rbx)
  out %al, $FV_DOORBELL_PORT
5:
  pause
  cmpq $0, FV_MAILBOX_WORD(%rbx)
  jne 5b
  mov AT(FV_FW_TR), %eax
  ltr %ax

// The contract of cpu_state.h: every register 0 but RIP and RDI.
  pushq $2
  popfq
  xor %eax, %eax
  xor %ebx, %ebx
  xor %ecx, %ecx
  xor %edx, %edx
  xor %esi, %esi
  xor %ebp, %ebp
  xor %esp, %esp
  mov AT(FV_FW_RDI), %rdi
  jmp *AT(FV_FW_ENTRY)

.org FV_FIRMWARE_BYTES - 16
.code16
  jmp real_mode
.balign 16
