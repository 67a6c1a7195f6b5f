// SPDX-License-Identifier: Apache-2.0
//
// CPUID leaves compared bit by bit where they are features, and the kernel's ring.
#include "vmm/snapshot/host_check.h"

#include <cinttypes>
#include <cstdio>
#include <span>

#include "vmm/cpuid.h"
#include "vmm/ring_probe.h"

namespace fv::vmm {
namespace {

// Leaves that are bits of features in all four registers, but for these exceptions: EAX and EBX of
// leaf 1 name the CPU's model and its APIC, EAX of leaf 7 the highest sub-leaf.
struct FeatureLeaf {
  uint32_t function;
  uint32_t index;
  bool eax, ebx;
};
constexpr FeatureLeaf kFeatureLeaves[] = {
    {0x1, 0, false, false}, {0x7, 0, false, true},         {0x7, 1, true, true},
    {0xD, 1, true, false},  {0x80000001, 0, false, false},
};

const kvm_cpuid_entry2* Find(std::span<const kvm_cpuid_entry2> table, uint32_t function,
                             uint32_t index) {
  for (const kvm_cpuid_entry2& entry : table) {
    const bool indexed = (entry.flags & KVM_CPUID_FLAG_SIGNIFCANT_INDEX) != 0;
    if (entry.function == function && (!indexed || entry.index == index)) return &entry;
  }
  return nullptr;
}

std::string Missing(const FeatureLeaf& leaf, const char* reg, uint32_t wanted, uint32_t here) {
  if ((wanted & ~here) == 0) return "";
  char text[128];
  std::snprintf(text, sizeof(text),
                "this CPU lacks features that the guest has seen (CPUID %" PRIx32 ".%" PRIx32
                " %s: bits %08" PRIx32 ")",
                leaf.function, leaf.index, reg, wanted & ~here);
  return text;
}

std::string MissingFeatures(std::span<const kvm_cpuid_entry2> wanted,
                            std::span<const kvm_cpuid_entry2> here) {
  for (const FeatureLeaf& leaf : kFeatureLeaves) {
    const kvm_cpuid_entry2* want = Find(wanted, leaf.function, leaf.index);
    if (want == nullptr) continue;
    const kvm_cpuid_entry2* found = Find(here, leaf.function, leaf.index);
    const kvm_cpuid_entry2 have = found == nullptr ? kvm_cpuid_entry2{} : *found;
    for (const std::string& reason :
         {Missing(leaf, "EAX", leaf.eax ? want->eax : 0, have.eax),
          Missing(leaf, "EBX", leaf.ebx ? want->ebx : 0, have.ebx),
          Missing(leaf, "ECX", want->ecx, have.ecx), Missing(leaf, "EDX", want->edx, have.edx)}) {
      if (!reason.empty()) return reason;
    }
  }
  return "";
}

}  // namespace

std::string WhyNotHere(const Kvm& kvm, const Snapshot& snapshot) {
  const RingProbe probe = CachedRingProbe(kvm);
  const proto::BootInfo& boot = snapshot.boot;
  if (boot.kernel_ring == 0 && snapshot.ring0_emulated != probe.ring0_emulated) {
    return std::string("its kernel runs in ring 0, which was ") +
           (snapshot.ring0_emulated ? "emulated where it was taken and is native here"
                                    : "native where it was taken and is emulated here");
  }
  const Xsave offered =
      boot.kernel_ring == 3 || !probe.ring0_emulated ? Xsave::kOffer : Xsave::kHide;
  if (std::string reason =
          MissingFeatures(snapshot.cpuid, GuestCpuid(kvm.supported_cpuid(), offered));
      !reason.empty()) {
    return reason;
  }
  if (boot.ram_bytes > ReadFeatures(kvm.supported_cpuid()).most_ram) {
    return "this CPU cannot address so much memory";
  }
  if (boot.kernel_ring == 3 && (boot.xsave_mask & ~probe.user_xcr0) != 0) {
    return "programs have extended state that this CPU lacks";
  }
  // KVM reads and writes as many bytes as it keeps, whatever there is.
  if (XsaveBytes(kvm) != snapshot.cpu.xsave.size()) {
    return "this KVM keeps another amount of extended state";
  }
  return "";
}

}  // namespace fv::vmm
