// SPDX-License-Identifier: Apache-2.0
//
// Holds the initial state against the checks that VT-x makes at VM entry (Intel SDM volume 3,
// "Checks on the Guest State Area": 26.3.1 of older, 27.3.1 of newer editions), for both kernel
// rings and all feature sets, so that a first run on such a machine does not end in "hardware
// reason 0x80000021". AMD's checks (APM volume 2, 15.5.1) are a subset.
//
// Not here, because KVM sets them and no user of KVM can: DR7 and the debug controls, the SYSENTER,
// PAT and performance MSRs (all as at reset), VMXE, the entry controls, activity and
// interruptibility state, the VMCS link pointer. PDPTEs are checked for PAE paging only.
#include "vmm/cpu_state.h"

#include <gtest/gtest.h>

#include <tuple>

#include "proto/layout.h"

namespace fv::vmm {
namespace {

constexpr uint64_t kPhysicalBits = 36;  // the least of any CPU with VT-x and long mode
constexpr uint64_t kCr4Pcide = 1u << 17;
constexpr uint64_t kCr4Cet = 1u << 23;
constexpr uint64_t kRflagsReservedZero = ~uint64_t{0x3F7FD7};

bool Canonical(uint64_t address) {
  const auto top = static_cast<int64_t>(address) >> 47;
  return top == 0 || top == -1;
}

// 27.3.1.1: control registers and MSRs.
void CheckControlRegisters(const kvm_sregs& s) {
  EXPECT_EQ(s.cr0 & (kCr0Pe | kCr0Pg | kCr0Ne), kCr0Pe | kCr0Pg | kCr0Ne) << "fixed bits of VMX";
  EXPECT_EQ(s.cr0 >> 32, 0u);
  EXPECT_EQ(s.cr0 & (1u << 29 | 1u << 30), 0u) << "NW, CD";
  EXPECT_NE(s.cr4 & kCr4Pae, 0u);
  EXPECT_EQ(s.cr4 >> 32, 0u);
  EXPECT_TRUE((s.cr4 & kCr4Cet) == 0 || (s.cr0 & kCr0Wp) != 0);
  EXPECT_TRUE((s.cr4 & kCr4Pcide) == 0 || (s.efer & kEferLma) != 0);
  EXPECT_EQ(s.cr3 >> kPhysicalBits, 0u);
  EXPECT_EQ(s.cr3 & (proto::kPageBytes - 1), 0u) << "no cache attributes, PCID 0";
  EXPECT_EQ(s.efer & ~(kEferSce | kEferLme | kEferLma | kEferNxe), 0u);
  EXPECT_NE(s.efer & kEferLme, 0u);
  EXPECT_EQ((s.efer & kEferLma) != 0, (s.cr0 & kCr0Pg) != 0 && (s.efer & kEferLme) != 0);
}

void CheckUsableData(const kvm_segment& segment, const char* name) {
  if (segment.unusable) return;
  EXPECT_EQ(segment.type & 1, 1) << name << " accessed";
  EXPECT_TRUE((segment.type & 8) == 0 || (segment.type & 2) != 0) << name << " readable";
  EXPECT_EQ(segment.s, 1) << name;
  EXPECT_EQ(segment.present, 1) << name;
  if (segment.type <= 11) {
    EXPECT_GE(segment.dpl, segment.selector & 3) << name;
  }
}

void CheckGranularity(const kvm_segment& segment, const char* name) {
  if (segment.unusable) return;
  if ((segment.limit & 0xFFF) != 0xFFF) EXPECT_EQ(segment.g, 0) << name;
  if ((segment.limit & 0xFFF00000) != 0) EXPECT_EQ(segment.g, 1) << name;
}

// 27.3.1.2: segment registers.
void CheckSegments(const kvm_sregs& s) {
  EXPECT_EQ(s.tr.selector & 4, 0) << "TR: TI";
  EXPECT_TRUE(s.ldt.unusable || (s.ldt.selector & 4) == 0) << "LDTR: TI";
  EXPECT_TRUE(Canonical(s.fs.base) && Canonical(s.gs.base)) << "usable or not";
  EXPECT_TRUE(s.ldt.unusable || Canonical(s.ldt.base));
  for (const kvm_segment* segment : {&s.ss, &s.ds, &s.es}) {
    EXPECT_TRUE(segment->unusable || segment->base >> 32 == 0);
  }
  EXPECT_FALSE(s.cs.unusable);
  EXPECT_FALSE(s.ss.unusable) << "it may be; a ring-3 kernel needs it";
  EXPECT_EQ(s.ss.selector & 3, s.cs.selector & 3) << "RPL of SS and CS";
  EXPECT_TRUE(s.cs.type == 9 || s.cs.type == 11) << "accessed, non-conforming code";
  EXPECT_EQ(s.cs.s, 1);
  EXPECT_EQ(s.cs.present, 1);
  EXPECT_EQ(s.cs.dpl, s.ss.dpl) << "non-conforming CS";
  EXPECT_EQ(s.cs.l, 1);
  EXPECT_EQ(s.cs.db, 0) << "L and D together";
  EXPECT_EQ(s.cs.base >> 32, 0u);
  EXPECT_TRUE(s.ss.type == 3 || s.ss.type == 7);
  EXPECT_EQ(s.ss.dpl, s.ss.selector & 3);
  EXPECT_EQ(s.ss.s, 1);
  EXPECT_EQ(s.ss.present, 1);
  CheckUsableData(s.ds, "ds");
  CheckUsableData(s.es, "es");
  CheckUsableData(s.fs, "fs");
  CheckUsableData(s.gs, "gs");
  EXPECT_EQ(s.tr.type, 11) << "busy 64-bit TSS";
  EXPECT_EQ(s.tr.s, 0);
  EXPECT_EQ(s.tr.present, 1);
  EXPECT_FALSE(s.tr.unusable);
  EXPECT_TRUE(Canonical(s.tr.base));
  EXPECT_GE(s.tr.limit, 0x67u) << "a 64-bit TSS";
  if (!s.ldt.unusable) {
    EXPECT_EQ(s.ldt.type, 2);
    EXPECT_EQ(s.ldt.s, 0);
    EXPECT_EQ(s.ldt.present, 1);
  }
  for (const auto& [segment, name] : {std::pair{&s.cs, "cs"},
                                      {&s.ss, "ss"},
                                      {&s.ds, "ds"},
                                      {&s.es, "es"},
                                      {&s.fs, "fs"},
                                      {&s.gs, "gs"},
                                      {&s.tr, "tr"}}) {
    CheckGranularity(*segment, name);
  }
}

// 27.3.1.3 and 27.3.1.4: descriptor tables, RIP, RFLAGS.
void CheckTablesAndFlags(const CpuState& state) {
  static_assert(sizeof(kvm_dtable::limit) == 2, "bits 31:16 of both limits are 0");
  EXPECT_TRUE(Canonical(state.sregs.gdt.base));
  EXPECT_TRUE(Canonical(state.sregs.idt.base));
  EXPECT_TRUE(Canonical(state.regs.rip));
  EXPECT_EQ(state.regs.rflags & kRflagsReservedZero, 0u);
  EXPECT_NE(state.regs.rflags & 2, 0u);
  EXPECT_EQ(state.regs.rflags & (1u << 17), 0u) << "VM in IA-32e mode";
  EXPECT_EQ(state.regs.rflags & (1u << 9), 0u) << "the kernel starts with interrupts off";
}

CpuFeatures SomeFeatures(unsigned bits) {
  CpuFeatures features{};
  features.long_mode = true;
  features.fsgsbase = (bits & 1) != 0;
  features.smep = features.smap = (bits & 2) != 0;
  features.xsave = (bits & 4) != 0;
  features.xcr0 = features.xsave ? 7 : 0;
  return features;
}

constexpr uint64_t kRoot = 0x234000;
constexpr uint64_t kEntry = proto::DirectMap(0x104000);

class CpuStateTest : public ::testing::TestWithParam<std::tuple<unsigned, unsigned>> {
 protected:
  unsigned ring() const { return std::get<0>(GetParam()); }
  CpuFeatures features() const { return SomeFeatures(std::get<1>(GetParam())); }
  CpuState state() const {
    kvm_sregs reset{};
    reset.apic_base = 0xFEE00900;
    return InitialCpuState({ring(), features().xsave, kRoot, kEntry}, features(), reset);
  }
};

TEST_P(CpuStateTest, PassesTheChecksOfVmEntry) {
  const CpuState s = state();
  CheckControlRegisters(s.sregs);
  CheckSegments(s.sregs);
  CheckTablesAndFlags(s);
}

TEST_P(CpuStateTest, SetsOnlyBitsThatTheCpuHas) {
  const uint64_t cr4 = state().sregs.cr4;
  EXPECT_EQ((cr4 & kCr4Fsgsbase) != 0, features().fsgsbase);
  EXPECT_EQ((cr4 & kCr4Osxsave) != 0, features().xsave);
  EXPECT_EQ((cr4 & kCr4Smep) != 0, features().smep && ring() == 0);
  EXPECT_EQ((cr4 & kCr4Smap) != 0, features().smap && ring() == 0);
  EXPECT_EQ((cr4 & kCr4Pge) != 0, ring() == 0) << "global pages: the kernel's window";
  const uint64_t known = kCr4Pae | kCr4Pge | kCr4Osfxsr | kCr4Osxmmexcpt | kCr4Fsgsbase |
                         kCr4Osxsave | kCr4Smep | kCr4Smap;
  EXPECT_EQ(cr4 & ~known, 0u);
  EXPECT_EQ(state().xcr0, features().xsave ? features().xcr0 : 0);
}

TEST_P(CpuStateTest, StartsInItsRingAtTheEntry) {
  const CpuState s = state();
  EXPECT_EQ(s.sregs.cs.dpl, ring());
  EXPECT_EQ(s.sregs.cs.selector, ring() == 3 ? FV_SEL_USER_CODE : FV_SEL_KERNEL_CODE);
  EXPECT_EQ(s.sregs.ss.selector, ring() == 3 ? FV_SEL_USER_DATA : FV_SEL_KERNEL_DATA);
  EXPECT_EQ(s.sregs.cr3, kRoot);
  EXPECT_EQ(s.sregs.apic_base, 0xFEE00900u);
  EXPECT_EQ(s.regs.rip, kEntry);
  EXPECT_EQ(s.regs.rdi, proto::DirectMap(proto::kBootInfoPhys));
  EXPECT_EQ(s.regs.rsp, 0u);
  EXPECT_EQ(s.sregs.ds.unusable != 0, ring() == 0) << "IRET to a user would null it anyway";
}

// MOV to an MSR faults on an address that is not canonical.
TEST_P(CpuStateTest, EntryAddressesAreCanonical) {
  for (const kvm_msr_entry& msr : state().msrs) {
    if (msr.index == kMsrLstar || msr.index == kMsrCstar) EXPECT_TRUE(Canonical(msr.data));
  }
}

INSTANTIATE_TEST_SUITE_P(All, CpuStateTest,
                         ::testing::Combine(::testing::Values(0u, 3u), ::testing::Range(0u, 8u)));

// Intel SDM volume 3, 5.8.8: the selectors that SYSCALL and SYSRET load from STAR.
TEST(SyscallMsrTest, StarGivesOurSelectors) {
  const CpuState s = InitialCpuState({0, false, kRoot, kEntry}, SomeFeatures(0), kvm_sregs{});
  uint64_t star = 0;
  uint64_t mask = 0;
  uint64_t lstar = 0;
  for (const kvm_msr_entry& msr : s.msrs) {
    if (msr.index == kMsrStar) star = msr.data;
    if (msr.index == kMsrSfmask) mask = msr.data;
    if (msr.index == kMsrLstar) lstar = msr.data;
  }
  EXPECT_EQ(star >> 32 & 0xFFFC, uint64_t{FV_SEL_KERNEL_CODE});
  EXPECT_EQ((star >> 32 & 0xFFFF) + 8, uint64_t{FV_SEL_KERNEL_DATA});
  EXPECT_EQ(((star >> 48) + 16) | 3, uint64_t{FV_SEL_USER_CODE});
  EXPECT_EQ(((star >> 48) + 8) | 3, uint64_t{FV_SEL_USER_DATA});
  EXPECT_EQ(lstar, proto::DirectMap(proto::kStubTextPhys));
  for (unsigned flag : {8u /*TF*/, 9u /*IF*/, 10u /*DF*/, 14u /*NT*/, 16u /*RF*/, 18u /*AC*/}) {
    EXPECT_NE(mask >> flag & 1, 0u) << flag;
  }
  EXPECT_EQ(mask & 2, 0u);
}

}  // namespace
}  // namespace fv::vmm
