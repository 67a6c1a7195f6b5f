// SPDX-License-Identifier: Apache-2.0
//
// The probe's machine code and its scratch VM.
#include "vmm/ring_probe.h"

#include <algorithm>
#include <mutex>
#include <optional>
#include <span>

#include "proto/layout.h"
#include "vmm/boot_tables.h"
#include "vmm/cpu_state.h"
#include "vmm/cpuid.h"
#include "vmm/error.h"
#include "vmm/guest_memory.h"
#include "vmm/vcpu.h"
#include "vmm/vm.h"

// Position-independent; RDI is the doorbell, each answer one write to it.
extern "C" const uint8_t fv_probe_ring0[];
extern "C" const uint8_t fv_probe_ring3[];
extern "C" const uint8_t fv_probe_end[];
asm(R"(
.pushsection .rodata.fv_probe, "a", @progbits
.globl fv_probe_ring0, fv_probe_ring3, fv_probe_end
fv_probe_ring0:                 # cycles of 256 iterations
  rdtsc
  shl $32, %rdx
  or %rdx, %rax
  mov %rax, %rbx
  mov $256, %ecx
1:
  dec %ecx
  jnz 1b
  rdtsc
  shl $32, %rdx
  or %rdx, %rax
  sub %rbx, %rax
  mov %rax, (%rdi)
  hlt
fv_probe_ring3:                 # XCR0, then the size of an XSAVE area for it; both 0 without
  mov $1, %eax
  xor %ecx, %ecx
  cpuid
  xor %r8d, %r8d
  xor %ebx, %ebx
  bt $27, %ecx                  # OSXSAVE
  jnc 2f
  xor %ecx, %ecx
  xgetbv
  shl $32, %rdx
  or %rdx, %rax
  mov %rax, %r8
  mov $0xd, %eax
  xor %ecx, %ecx
  cpuid
2:
  mov %r8, (%rdi)
  mov %ebx, %ebx
  mov %rbx, (%rdi)
  ud2
fv_probe_end:
.popsection
)");

namespace fv::vmm {
namespace {

constexpr uint64_t kIterations = 256;  // as in the code
constexpr int kTries = 4;
// State components that a guest kernel saves: x87, SSE, AVX, AVX-512. Not PKRU (CR4.PKE is off),
// not AMX (8 KiB a task, and the host's own permission).
constexpr uint64_t kSavedComponents = 0xE7;

class ScratchVm {
 public:
  explicit ScratchVm(const Kvm& kvm)
      : features_(ReadFeatures(kvm.supported_cpuid())),
        memory_(proto::kMinRamBytes),
        vm_(kvm),
        vcpu_(kvm, vm_, GuestCpuid(kvm.supported_cpuid(), Xsave::kOffer)),
        reset_(vcpu_.sregs()) {
    vm_.MapMemory(memory_);
    const std::span code(fv_probe_ring0, fv_probe_end);
    if (!memory_.Write(proto::kImagePhys, code.data(), code.size())) {
      throw VmmError(VmmErrorKind::kSystem, "ring probe: its code does not fit");
    }
    image_.end_gpa = proto::kImagePhys + proto::kPageBytes;
    image_.segments = {{proto::kImagePhys, proto::kPageBytes, false, true}};
    next_table_gpa_ = image_.end_gpa;
  }

  // Sets the vCPU to `code` (an address of the blob above) in `ring`.
  void Start(const uint8_t* code, unsigned ring) {
    const BootTables tables = BuildBootTables(memory_, image_, next_table_gpa_, ring);
    next_table_gpa_ = tables.end_gpa;
    const auto offset = static_cast<uint64_t>(code - fv_probe_ring0);
    const CpuPlan plan{ring, features_.xsave, tables.root_gpa,
                       proto::DirectMap(proto::kImagePhys) + offset};
    CpuState state = InitialCpuState(plan, features_, reset_);
    state.regs.rdi = proto::DirectMap(proto::DoorbellPhys(memory_.size()));
    vcpu_.FinishExit();  // the last answer of the code before
    vcpu_.SetSregs(state.sregs);
    vcpu_.SetRegs(state.regs);
    if (state.xcr0 != 0) vcpu_.SetXcr0(state.xcr0);
  }

  // The next word that the code writes to its doorbell.
  uint64_t NextAnswer() {
    Exit exit = vcpu_.Run();
    while (std::holds_alternative<Interrupted>(exit)) exit = vcpu_.Run();
    if (const auto* answer = std::get_if<MmioWrite>(&exit)) return answer->value;
    throw VmmError(VmmErrorKind::kSystem,
                   "ring probe: " + Describe(exit) + "\n" + vcpu_.DumpRegisters());
  }

 private:
  CpuFeatures features_;
  GuestMemory memory_;
  Vm vm_;
  Vcpu vcpu_;
  kvm_sregs reset_;
  LoadedImage image_{};
  uint64_t next_table_gpa_;
};

}  // namespace

RingProbe ProbeRings(const Kvm& kvm) {
  ScratchVm scratch(kvm);
  RingProbe probe{};
  // A host that does something else meanwhile only makes it longer.
  probe.cycles_per_iteration = ~uint64_t{0};
  for (int i = 0; i < kTries && probe.cycles_per_iteration > kEmulatedCycles; ++i) {
    scratch.Start(fv_probe_ring0, 0);
    probe.cycles_per_iteration =
        std::min(probe.cycles_per_iteration, scratch.NextAnswer() / kIterations);
  }
  probe.ring0_emulated = probe.cycles_per_iteration > kEmulatedCycles;

  scratch.Start(fv_probe_ring3, 3);
  probe.user_xcr0 = scratch.NextAnswer() & kSavedComponents;
  probe.user_xsave_bytes = scratch.NextAnswer();
  return probe;
}

RingProbe CachedRingProbe(const Kvm& kvm) {
  static std::mutex mutex;
  static std::optional<RingProbe> result;
  const std::lock_guard lock(mutex);
  if (!result) result = ProbeRings(kvm);
  return *result;
}

}  // namespace fv::vmm
