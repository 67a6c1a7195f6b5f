// SPDX-License-Identifier: Apache-2.0
//
// Reads and edits CPUID tables.
#include "vmm/cpuid.h"

#include <algorithm>

#include "proto/layout.h"

namespace fv::vmm {
namespace {

constexpr uint32_t Bit(unsigned n) { return uint32_t{1} << n; }

// Leaf 1.
constexpr uint32_t kLeaf1EcxVmx = Bit(5);
constexpr uint32_t kLeaf1EcxFma = Bit(12);
constexpr uint32_t kLeaf1EcxX2Apic = Bit(21);
constexpr uint32_t kLeaf1EcxTscDeadline = Bit(24);
constexpr uint32_t kLeaf1EcxXsave = Bit(26);
constexpr uint32_t kLeaf1EcxOsxsave = Bit(27);
constexpr uint32_t kLeaf1EcxAvx = Bit(28);
constexpr uint32_t kLeaf1EcxF16c = Bit(29);
constexpr uint32_t kLeaf1EdxFxsr = Bit(24);
constexpr uint32_t kLeaf1EdxSse2 = Bit(26);
constexpr uint32_t kLeaf1EbxFamilyMask = 0xFFFF;  // brand index and CLFLUSH size
constexpr uint32_t kLeaf1EbxOneCpu = 1u << 16;    // logical processors; APIC id 0 above
// Leaf 7.
constexpr uint32_t kLeaf7EbxFsgsbase = Bit(0);
constexpr uint32_t kLeaf7EbxSmep = Bit(7);
constexpr uint32_t kLeaf7EbxSmap = Bit(20);
constexpr uint32_t kLeaf7EbxAvx =
    Bit(5) | Bit(16) | Bit(17) | Bit(21) | Bit(26) | Bit(27) | Bit(28) | Bit(30) | Bit(31);
constexpr uint32_t kLeaf7EcxAvx = Bit(1) | Bit(6) | Bit(9) | Bit(10) | Bit(11) | Bit(12) | Bit(14);
constexpr uint32_t kLeaf7EdxAvx = Bit(2) | Bit(3) | Bit(8) | Bit(23);
constexpr uint32_t kLeaf7EdxAmx = Bit(22) | Bit(24) | Bit(25);
// Leaf 0x80000001.
constexpr uint32_t kExtEcxSvm = Bit(2);
constexpr uint32_t kExtEcxFma4Xop = Bit(11) | Bit(16);
constexpr uint32_t kExtEdxSyscall = Bit(11);
constexpr uint32_t kExtEdxNx = Bit(20);
constexpr uint32_t kExtEdxLongMode = Bit(29);
// Leaf 0x80000008, EAX 7:0: width of a physical address. Without that leaf it is the fewest.
constexpr unsigned kFewestPhysicalBits = 36;
constexpr unsigned kMostPhysicalBits = 52;
// XCR0.
constexpr uint64_t kXcr0X87Sse = 0x3;
constexpr uint64_t kXcr0Avx = 0x4;
constexpr uint64_t kXcr0Avx512 = 0xE0;  // opmask, ZMM_Hi256, Hi16_ZMM: all or none
// The x87 and SSE areas and the XSAVE header.
constexpr uint64_t kXsaveBaseBytes = 512 + 64;

const kvm_cpuid_entry2* Find(std::span<const kvm_cpuid_entry2> entries, uint32_t function,
                             uint32_t index = 0) {
  for (const kvm_cpuid_entry2& entry : entries) {
    const bool indexed = (entry.flags & KVM_CPUID_FLAG_SIGNIFCANT_INDEX) != 0;
    if (entry.function == function && (!indexed || entry.index == index)) return &entry;
  }
  return nullptr;
}

uint64_t UsableXcr0(uint64_t supported) {
  uint64_t xcr0 = supported & (kXcr0X87Sse | kXcr0Avx);
  const bool avx512 = (supported & kXcr0Avx512) == kXcr0Avx512 && (xcr0 & kXcr0Avx) != 0;
  return avx512 ? xcr0 | kXcr0Avx512 : xcr0;
}

uint64_t XsaveBytes(std::span<const kvm_cpuid_entry2> entries, uint64_t xcr0) {
  uint64_t bytes = kXsaveBaseBytes;
  for (uint32_t component = 2; component < 63; ++component) {
    if ((xcr0 >> component & 1) == 0) continue;
    // Sub-leaf: EAX = size, EBX = offset in the standard format.
    const kvm_cpuid_entry2* entry = Find(entries, 0xD, component);
    if (entry != nullptr) bytes = std::max(bytes, uint64_t{entry->ebx} + entry->eax);
  }
  return bytes;
}

void HideXsave(kvm_cpuid_entry2& entry) {
  switch (entry.function) {
    case 1:
      entry.ecx &=
          ~(kLeaf1EcxXsave | kLeaf1EcxOsxsave | kLeaf1EcxAvx | kLeaf1EcxFma | kLeaf1EcxF16c);
      break;
    case 7:
      if (entry.index == 0) {
        entry.ebx &= ~kLeaf7EbxAvx;
        entry.ecx &= ~kLeaf7EcxAvx;
        entry.edx &= ~(kLeaf7EdxAvx | kLeaf7EdxAmx);
      } else {
        entry.eax = entry.ebx = entry.ecx = entry.edx = 0;  // only AVX and AMX variants
      }
      break;
    case 0xD:
      entry.eax = entry.ebx = entry.ecx = entry.edx = 0;
      break;
    case 0x80000001:
      entry.ecx &= ~kExtEcxFma4Xop;
      break;
    default:
      break;
  }
}

void MakeSingleCpu(kvm_cpuid_entry2& entry) {
  switch (entry.function) {
    case 1:
      entry.ebx = (entry.ebx & kLeaf1EbxFamilyMask) | kLeaf1EbxOneCpu;
      // No interrupt controller is emulated; OSXSAVE follows CR4 by itself.
      entry.ecx &= ~(kLeaf1EcxVmx | kLeaf1EcxX2Apic | kLeaf1EcxTscDeadline | kLeaf1EcxOsxsave);
      break;
    case 7:
      if (entry.index == 0) entry.edx &= ~kLeaf7EdxAmx;  // XCR0 never holds the tile state
      break;
    case 0xB:
    case 0x1F:
      entry.edx = 0;  // x2APIC id
      break;
    case 0x80000001:
      entry.ecx &= ~kExtEcxSvm;
      break;
    default:
      break;
  }
}

}  // namespace

CpuFeatures ReadFeatures(std::span<const kvm_cpuid_entry2> supported) {
  CpuFeatures features{};
  const kvm_cpuid_entry2* leaf1 = Find(supported, 1);
  const kvm_cpuid_entry2* extended = Find(supported, 0x80000001);
  if (leaf1 != nullptr && extended != nullptr) {
    constexpr uint32_t kNeeded = kExtEdxSyscall | kExtEdxNx | kExtEdxLongMode;
    constexpr uint32_t kNeeded1 = kLeaf1EdxFxsr | kLeaf1EdxSse2;
    features.long_mode =
        (extended->edx & kNeeded) == kNeeded && (leaf1->edx & kNeeded1) == kNeeded1;
    features.xsave = (leaf1->ecx & kLeaf1EcxXsave) != 0;
  }
  if (const kvm_cpuid_entry2* leaf7 = Find(supported, 7)) {
    features.fsgsbase = (leaf7->ebx & kLeaf7EbxFsgsbase) != 0;
    features.smep = (leaf7->ebx & kLeaf7EbxSmep) != 0;
    features.smap = (leaf7->ebx & kLeaf7EbxSmap) != 0;
  }
  const kvm_cpuid_entry2* leafd = Find(supported, 0xD);
  features.xsave = features.xsave && leafd != nullptr && (leafd->eax & kXcr0X87Sse) == kXcr0X87Sse;
  const kvm_cpuid_entry2* sizes = Find(supported, 0x80000008);
  const unsigned bits = sizes == nullptr ? kFewestPhysicalBits : sizes->eax & 0xFF;
  features.most_ram = (uint64_t{1} << std::clamp(bits, kFewestPhysicalBits, kMostPhysicalBits)) -
                      proto::kHugePageBytes;
  if (features.xsave) {
    features.xcr0 = UsableXcr0(uint64_t{leafd->edx} << 32 | leafd->eax);
    features.xsave_bytes = XsaveBytes(supported, features.xcr0);
  }
  return features;
}

std::vector<kvm_cpuid_entry2> GuestCpuid(std::span<const kvm_cpuid_entry2> supported, Xsave xsave) {
  std::vector<kvm_cpuid_entry2> entries(supported.begin(), supported.end());
  for (kvm_cpuid_entry2& entry : entries) {
    MakeSingleCpu(entry);
    if (xsave == Xsave::kHide) HideXsave(entry);
  }
  return entries;
}

}  // namespace fv::vmm
