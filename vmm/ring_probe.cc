// SPDX-License-Identifier: Apache-2.0
//
// The probe's machine code and its scratch VM.
#include "vmm/ring_probe.h"

#include <array>
#include <mutex>
#include <optional>

#include "proto/layout.h"
#include "vmm/boot_tables.h"
#include "vmm/cpu_state.h"
#include "vmm/cpuid.h"
#include "vmm/error.h"
#include "vmm/guest_memory.h"
#include "vmm/vcpu.h"
#include "vmm/vm.h"

namespace fv::vmm {
namespace {

constexpr uint32_t kIterations = 256;

// Counts the loop's cycles and writes them to [rdi], the doorbell.
constexpr std::array<uint8_t, 44> kProbeCode = {
    0x0F,
    0x31,  // rdtsc
    0x48,
    0xC1,
    0xE2,
    0x20,  // shl rdx, 32
    0x48,
    0x09,
    0xD0,  // or rax, rdx
    0x48,
    0x89,
    0xC3,  // mov rbx, rax
    0xB9,
    kIterations & 0xFF,
    kIterations >> 8,
    0x00,
    0x00,  // mov ecx, kIterations
    0xFF,
    0xC9,  // 1: dec ecx
    0x75,
    0xFC,  // jnz 1b
    0x0F,
    0x31,  // rdtsc
    0x48,
    0xC1,
    0xE2,
    0x20,  // shl rdx, 32
    0x48,
    0x09,
    0xD0,  // or rax, rdx
    0x48,
    0x29,
    0xD8,  // sub rax, rbx
    0x48,
    0x89,
    0x07,  // mov [rdi], rax
    0xF4,
    0xF4,
    0xF4,
    0xF4,
    0xF4,
    0xF4,
    0xF4,
    0xF4,  // hlt
};

}  // namespace

RingProbe ProbeRing0(const Kvm& kvm) {
  GuestMemory memory(proto::kMinRamBytes);
  Vm vm(kvm);
  vm.MapMemory(memory);
  Vcpu vcpu(kvm, vm, GuestCpuid(kvm.supported_cpuid(), Xsave::kHide));

  LoadedImage image{};
  image.entry_gva = proto::DirectMap(proto::kImagePhys);
  image.end_gpa = proto::kImagePhys + proto::kPageBytes;
  image.segments = {{proto::kImagePhys, proto::kPageBytes, false, true}};
  if (!memory.Write(proto::kImagePhys, kProbeCode.data(), kProbeCode.size())) {
    throw VmmError(VmmErrorKind::kSystem, "ring probe: its code does not fit");
  }
  const BootTables tables = BuildBootTables(memory, image, image.end_gpa, 0);

  CpuPlan plan{0, false, tables.root_gpa, image.entry_gva};
  CpuState state = InitialCpuState(plan, ReadFeatures(kvm.supported_cpuid()), vcpu.sregs());
  state.regs.rdi = proto::DirectMap(proto::DoorbellPhys(memory.size()));
  vcpu.SetSregs(state.sregs);
  vcpu.SetRegs(state.regs);

  Exit exit = vcpu.Run();
  while (std::holds_alternative<Interrupted>(exit)) exit = vcpu.Run();
  const auto* result = std::get_if<MmioWrite>(&exit);
  if (result == nullptr) {
    throw VmmError(VmmErrorKind::kSystem,
                   "ring probe: " + Describe(exit) + "\n" + vcpu.DumpRegisters());
  }
  const uint64_t cycles = result->value / kIterations;
  return {cycles > kEmulatedCycles, cycles};
}

RingProbe CachedRingProbe(const Kvm& kvm) {
  static std::mutex mutex;
  static std::optional<RingProbe> result;
  const std::lock_guard lock(mutex);
  if (!result) result = ProbeRing0(kvm);
  return *result;
}

}  // namespace fv::vmm
