// SPDX-License-Identifier: Apache-2.0
//
// Builds the initial registers.
#include "vmm/cpu_state.h"

#include "proto/layout.h"

namespace fv::vmm {
namespace {

constexpr uint64_t kRflagsAlwaysOne = 0x2;
// What SYSCALL clears: every flag that a user may have set and that the kernel must not inherit
// (CF PF AF ZF SF TF IF DF OF IOPL NT RF AC ID), as Linux does.
constexpr uint64_t kSfmask = 0x257FD5;
constexpr uint8_t kTypeCode = 11;     // execute, read, accessed
constexpr uint8_t kTypeData = 3;      // read, write, accessed, expand up
constexpr uint8_t kTypeBusyTss = 11;  // 64-bit TSS, busy
constexpr uint32_t kTssLimit = 0x67;
constexpr uint16_t kGdtLimit = FV_SEL_TSS + 16 - 1;  // a TSS descriptor has 16 bytes
constexpr uint16_t kIdtLimit = 256 * 16 - 1;
// SYSRET adds 16 to this for CS, 8 for SS, in 64-bit mode.
constexpr uint64_t kSysretBase = FV_SEL_USER_CODE - 16;
static_assert(kSysretBase + 8 == FV_SEL_USER_DATA);
static_assert(FV_SEL_KERNEL_CODE + 8 == FV_SEL_KERNEL_DATA, "SYSCALL's SS");

kvm_segment FlatSegment(uint16_t selector, uint8_t type, uint8_t dpl) {
  kvm_segment segment{};
  segment.limit = 0xFFFFFFFF;
  segment.selector = selector;
  segment.type = type;
  segment.present = 1;
  segment.dpl = dpl;
  segment.s = 1;
  segment.g = 1;
  return segment;
}

kvm_segment NullSegment() {
  kvm_segment segment{};
  segment.unusable = 1;
  return segment;
}

kvm_segment TaskSegment() {
  kvm_segment segment{};
  segment.base = proto::DirectMap(proto::kStubTssPhys);
  segment.limit = kTssLimit;
  segment.selector = FV_SEL_TSS;
  segment.type = kTypeBusyTss;
  segment.present = 1;
  return segment;
}

void SetSegments(kvm_sregs& sregs, unsigned ring) {
  const bool user = ring == 3;
  const auto dpl = static_cast<uint8_t>(ring);
  sregs.cs = FlatSegment(user ? FV_SEL_USER_CODE : FV_SEL_KERNEL_CODE, kTypeCode, dpl);
  sregs.cs.l = 1;
  kvm_segment data = FlatSegment(user ? FV_SEL_USER_DATA : FV_SEL_KERNEL_DATA, kTypeData, dpl);
  data.db = 1;
  sregs.ss = data;
  // In ring 0 null, as programs find them: IRET would take a kernel's selector away from them.
  sregs.ds = sregs.es = sregs.fs = sregs.gs = user ? data : NullSegment();
  sregs.tr = TaskSegment();
  sregs.ldt = kvm_segment{};
  sregs.ldt.type = 2;
  sregs.ldt.unusable = 1;
  sregs.gdt = kvm_dtable{};
  sregs.gdt.base = proto::DirectMap(proto::kStubGdtPhys);
  sregs.gdt.limit = kGdtLimit;
  sregs.idt = kvm_dtable{};
  sregs.idt.base = proto::DirectMap(proto::kStubIdtPhys);
  sregs.idt.limit = kIdtLimit;
}

uint64_t Cr4(const CpuPlan& plan, const CpuFeatures& features) {
  uint64_t cr4 = kCr4Pae | kCr4Osfxsr | kCr4Osxmmexcpt;
  if (features.fsgsbase) cr4 |= kCr4Fsgsbase;
  if (plan.use_xsave) cr4 |= kCr4Osxsave;
  if (plan.ring == 0) cr4 |= kCr4Pge;
  // A ring-3 kernel's pages are user pages, which the ring-0 stub must reach.
  if (plan.ring == 0 && features.smep) cr4 |= kCr4Smep;
  if (plan.ring == 0 && features.smap) cr4 |= kCr4Smap;
  return cr4;
}

}  // namespace

CpuState InitialCpuState(const CpuPlan& plan, const CpuFeatures& features, const kvm_sregs& reset) {
  CpuState state{};
  state.regs.rip = plan.entry_gva;
  state.regs.rdi = proto::DirectMap(proto::kBootInfoPhys);
  state.regs.rflags = kRflagsAlwaysOne;

  SetSegments(state.sregs, plan.ring);
  state.sregs.cr0 = kCr0Pe | kCr0Mp | kCr0Et | kCr0Ne | kCr0Wp | kCr0Pg;
  state.sregs.cr3 = plan.root_gpa;
  state.sregs.cr4 = Cr4(plan, features);
  state.sregs.efer = kEferSce | kEferLme | kEferLma | kEferNxe;
  state.sregs.apic_base = reset.apic_base;

  state.msrs = {
      {kMsrStar, 0, uint64_t{FV_SEL_KERNEL_CODE} << 32 | kSysretBase << 48},
      {kMsrLstar, 0, proto::DirectMap(proto::kStubTextPhys)},
      // No program gets into compatibility mode; SYSCALL from there would still meet an entry.
      {kMsrCstar, 0, proto::DirectMap(proto::kStubTextPhys)},
      {kMsrSfmask, 0, kSfmask},
  };
  state.xcr0 = plan.use_xsave ? features.xcr0 : 0;
  return state;
}

}  // namespace fv::vmm
