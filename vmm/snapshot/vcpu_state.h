// SPDX-License-Identifier: Apache-2.0
//
// Everything that a vCPU is between two instructions: general, segment and control registers,
// extended state, MSRs, pending events, debug registers (Documentation/virt/kvm/api.rst).
// Time-stamp counters are not part of it: they run on, and the kernel's time is a word of guest
// memory (proto/clock.h).
//
// The vCPU stands still, with its last exit finished (Vcpu::FinishExit).
#pragma once

#include "vmm/kvm_api.h"

#include <cstdint>
#include <string>
#include <vector>

#include "vmm/kvm.h"
#include "vmm/vcpu.h"

namespace fv::vmm {

// More MSRs than any KVM lists.
inline constexpr size_t kMaxMsrs = 512;

struct VcpuState {
  kvm_regs regs;
  kvm_sregs sregs;
  kvm_debugregs debug;
  kvm_vcpu_events events;
  kvm_mp_state mp;
  kvm_xcrs xcrs;
  std::vector<kvm_msr_entry> msrs;
  std::vector<uint8_t> xsave;  // XSAVE area in the standard format
};

// Whether an MSR that KVM lists is a guest's state: not those of time, nor those of Hyper-V, which
// only a guest that was offered Hyper-V has (and some of which count time).
bool IsStateMsr(uint32_t msr);
// KVM_GET_MSR_INDEX_LIST, as far as it is state and can be read here.
std::vector<uint32_t> StateMsrs(const Kvm& kvm, const Vcpu& vcpu);
// Bytes of the XSAVE area that KVM hands over.
size_t XsaveBytes(const Kvm& kvm);

// Both throw VmmError with the name of the refused call.
VcpuState ReadVcpuState(const Vcpu& vcpu, const std::vector<uint32_t>& msrs, size_t xsave_bytes);
// Of it, only what is about to happen to the vCPU.
void WriteVcpuEvents(Vcpu& vcpu, const kvm_mp_state& mp, const kvm_vcpu_events& events);
void WriteVcpuState(Vcpu& vcpu, const VcpuState& state);

// "rax is 0x1, not 0x0" for each difference.
std::vector<std::string> DifferencesOf(const VcpuState& have, const VcpuState& want);

}  // namespace fv::vmm
