// SPDX-License-Identifier: Apache-2.0
//
// CPUID tables made by hand: what is read from them, what the guest sees.
#include "vmm/cpuid.h"

#include <gtest/gtest.h>

#include "proto/layout.h"

namespace fv::vmm {
namespace {

kvm_cpuid_entry2 Leaf(uint32_t function, uint32_t eax, uint32_t ebx, uint32_t ecx, uint32_t edx) {
  kvm_cpuid_entry2 entry{};
  entry.function = function;
  entry.eax = eax;
  entry.ebx = ebx;
  entry.ecx = ecx;
  entry.edx = edx;
  return entry;
}

kvm_cpuid_entry2 SubLeaf(uint32_t function, uint32_t index, uint32_t eax, uint32_t ebx,
                         uint32_t ecx, uint32_t edx) {
  kvm_cpuid_entry2 entry = Leaf(function, eax, ebx, ecx, edx);
  entry.index = index;
  entry.flags = KVM_CPUID_FLAG_SIGNIFCANT_INDEX;
  return entry;
}

constexpr uint32_t kAll = 0xFFFFFFFF;

// A CPU with everything, the state of AVX-512 and of AMX tiles included.
std::vector<kvm_cpuid_entry2> FullCpu() {
  return {
      Leaf(1, 0, 0x07080800, kAll, kAll), SubLeaf(7, 0, 1, kAll, kAll, kAll),
      SubLeaf(7, 1, kAll, 0, 0, kAll),    SubLeaf(0xB, 0, 1, 2, 0, 7),
      SubLeaf(0xD, 0, 0x602E7, 0, 0, 0),  SubLeaf(0xD, 2, 256, 576, 0, 0),
      SubLeaf(0xD, 5, 64, 1088, 0, 0),    SubLeaf(0xD, 6, 512, 1152, 0, 0),
      SubLeaf(0xD, 7, 1024, 1664, 0, 0),  SubLeaf(0xD, 9, 8, 2688, 0, 0),
      SubLeaf(0xD, 18, 8192, 2816, 0, 0), Leaf(0x80000001, 0, 0, kAll, kAll),
  };
}

const kvm_cpuid_entry2& Get(const std::vector<kvm_cpuid_entry2>& entries, uint32_t function) {
  for (const kvm_cpuid_entry2& entry : entries) {
    if (entry.function == function) return entry;
  }
  ADD_FAILURE() << "no leaf " << function;
  return entries.front();
}

TEST(CpuidTest, ReadsFeaturesOfAFullCpu) {
  const CpuFeatures features = ReadFeatures(FullCpu());
  EXPECT_TRUE(features.long_mode && features.fsgsbase && features.smep && features.smap &&
              features.xsave);
  EXPECT_EQ(features.xcr0, 0xE7u) << "no PKRU, no tiles";
  EXPECT_EQ(features.xsave_bytes, 1664u + 1024u);
}

TEST(CpuidTest, MemoryEndsWhereThePhysicalAddressDoes) {
  std::vector<kvm_cpuid_entry2> cpu = FullCpu();
  EXPECT_EQ(ReadFeatures(cpu).most_ram, (uint64_t{1} << 36) - proto::kHugePageBytes);
  cpu.push_back(Leaf(0x80000008, 0x3027, 0, 0, 0));
  EXPECT_EQ(ReadFeatures(cpu).most_ram, (uint64_t{1} << 39) - proto::kHugePageBytes);
  cpu.back().eax = 0xFF;
  EXPECT_EQ(ReadFeatures(cpu).most_ram, (uint64_t{1} << 52) - proto::kHugePageBytes);
}

TEST(CpuidTest, Avx512NeedsItsThreeParts) {
  std::vector<kvm_cpuid_entry2> cpu = FullCpu();
  cpu[4].eax = 0x67;
  EXPECT_EQ(ReadFeatures(cpu).xcr0, 0x7u);
  EXPECT_EQ(ReadFeatures(cpu).xsave_bytes, 576u + 256u);
  cpu[4].eax = 0x3;
  EXPECT_EQ(ReadFeatures(cpu).xcr0, 0x3u);
  EXPECT_EQ(ReadFeatures(cpu).xsave_bytes, 576u);
}

TEST(CpuidTest, NothingIsInvented) {
  const CpuFeatures none = ReadFeatures({});
  EXPECT_FALSE(none.long_mode || none.fsgsbase || none.smep || none.smap || none.xsave);
  std::vector<kvm_cpuid_entry2> cpu = FullCpu();
  cpu[0].ecx &= ~(1u << 26);
  EXPECT_FALSE(ReadFeatures(cpu).xsave);
  EXPECT_EQ(ReadFeatures(cpu).xcr0, 0u);
  cpu.back().edx &= ~(1u << 20);
  EXPECT_FALSE(ReadFeatures(cpu).long_mode) << "without NX";
}

TEST(CpuidTest, GuestIsOneCpuWithoutNestedVirtualization) {
  const auto guest = GuestCpuid(FullCpu(), Xsave::kOffer);
  ASSERT_EQ(guest.size(), FullCpu().size());
  EXPECT_EQ(Get(guest, 1).ebx, 0x00010800u);
  EXPECT_EQ(Get(guest, 1).ecx & (1u << 5), 0u) << "VMX";
  EXPECT_NE(Get(guest, 1).ecx & (1u << 28), 0u) << "AVX stays";
  EXPECT_EQ(Get(guest, 0xB).edx, 0u);
  EXPECT_EQ(Get(guest, 0x80000001).ecx & (1u << 2), 0u) << "SVM";
  EXPECT_EQ(Get(guest, 7).edx & (7u << 22 & ~(1u << 23)), 0u) << "AMX";
}

TEST(CpuidTest, HidingXsaveHidesWhatNeedsIt) {
  const auto guest = GuestCpuid(FullCpu(), Xsave::kHide);
  EXPECT_EQ(Get(guest, 1).ecx & (1u << 12 | 1u << 26 | 1u << 27 | 1u << 28 | 1u << 29), 0u);
  EXPECT_NE(Get(guest, 1).ecx & (1u << 20), 0u) << "SSE4.2 stays";
  EXPECT_EQ(Get(guest, 7).ebx & (1u << 5 | 1u << 16), 0u) << "AVX2, AVX-512F";
  EXPECT_NE(Get(guest, 7).ebx & (1u << 8), 0u) << "BMI2 stays";
  EXPECT_EQ(Get(guest, 0xD).eax, 0u);
  EXPECT_FALSE(ReadFeatures(guest).xsave);
}

}  // namespace
}  // namespace fv::vmm
