// SPDX-License-Identifier: Apache-2.0
//
// Accesses and instructions that may fault: the handler of the signal goes on at try_failed, so
// that the fault is a result, -EFAULT.
//
// Part of runtime.h, included there once.

int64_t TryLoad(uint64_t address, uint64_t* value);
int64_t TryStore(uint64_t address, uint64_t value);
int64_t TryLoadByte(uint64_t address, uint64_t* value);
int64_t TryDivide(void), TryUndefined(void), TryBreakpoint(void), TryPrivileged(void);
int64_t TryX87(void), TrySse(void), TryOverflow(void);
int64_t TryJump(uint64_t address);
extern char try_begin[], try_end[], try_failed[];
__asm__(
    ".text\n"
    ".globl TryLoad, TryStore, TryLoadByte, try_begin, try_end, try_failed\n"
    ".globl TryDivide, TryUndefined, TryBreakpoint, TryPrivileged, TryX87, TrySse, TryOverflow\n"
    ".globl TryJump\n"
    "try_begin:\n"
    "TryLoad: mov (%rdi), %rax\n mov %rax, (%rsi)\n xor %eax, %eax\n ret\n"
    "TryLoadByte: movzbl (%rdi), %eax\n mov %rax, (%rsi)\n xor %eax, %eax\n ret\n"
    "TryStore: mov %rsi, (%rdi)\n xor %eax, %eax\n ret\n"
    "TryDivide: xor %ecx, %ecx\n xor %edx, %edx\n mov $1, %eax\n div %ecx\n ret\n"
    "TryUndefined: ud2\n"
    "TryBreakpoint: int3\n xor %eax, %eax\n ret\n"
    "TryPrivileged: hlt\n ret\n"
    // 1 / 0, whose exception is let through.
    "TryX87: fninit\n push $0x37B\n fldcw (%rsp)\n pop %rax\n fld1\n fldz\n fdivrp\n fwait\n ret\n"
    "TrySse: push $0x1D80\n ldmxcsr (%rsp)\n pop %rax\n mov $0x3F800000, %eax\n movd %eax, %xmm0\n"
    " xorps %xmm1, %xmm1\n divss %xmm1, %xmm0\n ret\n"
    "TryOverflow: int $4\n xor %eax, %eax\n ret\n"
    "TryJump: call *%rdi\n ret\n"
    "try_end:\n"
    "try_failed: mov $-14, %rax\n ret\n");

#define FV_FAR 0x8000000000000000ull  // no address at all

// `data` is memory without code.
MAYBE_UNUSED static int64_t Fault(enum FvFuzzFault fault, void* data) {
  uint64_t value = 0;
  int64_t result = 0;
  const uint32_t mxcsr = 0x1F80;  // as a program begins
  switch (fault) {
    case FV_FUZZ_DIVIDE:
      return TryDivide();
    case FV_FUZZ_UNDEFINED:
      return TryUndefined();
    case FV_FUZZ_BREAKPOINT:
      return TryBreakpoint();
    case FV_FUZZ_PRIVILEGED:
      return TryPrivileged();
    case FV_FUZZ_JUMP_NULL:
      return TryJump(0);
    case FV_FUZZ_JUMP_FAR:
      return TryJump(FV_FAR);
    case FV_FUZZ_JUMP_DATA:
      return TryJump((uint64_t)data);
    case FV_FUZZ_LOAD_FAR:
      return TryLoad(FV_FAR, &value);
    case FV_FUZZ_OVERFLOW:
      return TryOverflow();
    default:
      break;
  }
  result = fault == FV_FUZZ_X87 ? TryX87() : TrySse();
  __asm__ volatile("fninit\n ldmxcsr %0" : : "m"(mxcsr));
  return result;
}
