// SPDX-License-Identifier: Apache-2.0
//
// The user's registers that no trap frame holds: FPU/SSE/AVX state (Intel SDM vol. 1, 13) and the
// FS and GS bases. The kernel itself uses none of them, so they stay loaded until another task
// runs.

#include "guest/arch/arch.h"
#include "guest/arch/cpu_state.h"
#include "guest/lib/sanitize.h"
#include "guest/lib/string.h"

namespace fv::guest {
namespace {

constexpr size_t kFxsaveBytes = 512;
constexpr size_t kLegacyFcwOffset = 0;
constexpr size_t kMxcsrOffset = 24;
constexpr uint16_t kInitialFcw = 0x37F;
constexpr uint32_t kInitialMxcsr = 0x1F80;
constexpr uint32_t kMsrFsBase = 0xC0000100;
constexpr uint32_t kMsrGsBase = 0xC0000101;

uint64_t xsave_mask;  // 0: FXSAVE
size_t fpu_bytes;
bool fsgsbase;

uint64_t ReadMsr(uint32_t msr) {
  uint32_t low;
  uint32_t high;
  asm volatile("rdmsr" : "=a"(low), "=d"(high) : "c"(msr));
  return uint64_t{high} << 32 | low;
}

void WriteMsr(uint32_t msr, uint64_t value) {
  asm volatile("wrmsr"
               :
               : "c"(msr), "a"(static_cast<uint32_t>(value)),
                 "d"(static_cast<uint32_t>(value >> 32)));
}

}  // namespace

void InitUserRegisters(const proto::BootInfo& boot) {
  const bool fxsave_only = (boot.flags & proto::kBootFxsaveOnly) != 0 || boot.xsave_mask == 0;
  xsave_mask = fxsave_only ? 0 : boot.xsave_mask;
  fpu_bytes = fxsave_only ? kFxsaveBytes : boot.xsave_bytes;
  // Software KVM has the instructions in ring 3 although CPUID does not say so.
  fsgsbase = boot.kernel_ring == 3 || (boot.flags & proto::kBootFsgsbase) != 0;
}

size_t FpuBytes() { return fpu_bytes; }
uint64_t FpuMask() { return xsave_mask; }

void InitFpu(void* area) {
  memset(area, 0, fpu_bytes);
  auto* bytes = static_cast<uint8_t*>(area);
  *reinterpret_cast<uint16_t*>(bytes + kLegacyFcwOffset) = kInitialFcw;
  *reinterpret_cast<uint32_t*>(bytes + kMxcsrOffset) = kInitialMxcsr;
}

void SaveFpu(void* area) {
  sanitize::CheckWrite(area, fpu_bytes);
  if (xsave_mask == 0) {
    asm volatile("fxsave64 (%0)" : : "r"(area) : "memory");
    return;
  }
  asm volatile("xsave64 (%0)"
               :
               : "r"(area), "a"(static_cast<uint32_t>(xsave_mask)),
                 "d"(static_cast<uint32_t>(xsave_mask >> 32))
               : "memory");
}

void RestoreFpu(const void* area) {
  sanitize::CheckRead(area, fpu_bytes);
  if (xsave_mask == 0) {
    asm volatile("fxrstor64 (%0)" : : "r"(area) : "memory");
    return;
  }
  asm volatile("xrstor64 (%0)"
               :
               : "r"(area), "a"(static_cast<uint32_t>(xsave_mask)),
                 "d"(static_cast<uint32_t>(xsave_mask >> 32))
               : "memory");
}

uint64_t ReadFsBase() {
  if (!fsgsbase) {
    return ReadMsr(kMsrFsBase);
  }
  uint64_t base;
  asm volatile("rdfsbase %0" : "=r"(base));
  return base;
}

void WriteFsBase(uint64_t base) {
  if (!fsgsbase) {
    WriteMsr(kMsrFsBase, base);
    return;
  }
  asm volatile("wrfsbase %0" : : "r"(base));
}

uint64_t ReadGsBase() {
  if (!fsgsbase) {
    return ReadMsr(kMsrGsBase);
  }
  uint64_t base;
  asm volatile("rdgsbase %0" : "=r"(base));
  return base;
}

void WriteGsBase(uint64_t base) {
  if (!fsgsbase) {
    WriteMsr(kMsrGsBase, base);
    return;
  }
  asm volatile("wrgsbase %0" : : "r"(base));
}

}  // namespace fv::guest
