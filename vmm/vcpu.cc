// SPDX-License-Identifier: Apache-2.0
//
// KVM's vCPU calls. immediate_exit is cleared only after a Run returned because of it, so a request
// that comes between two Runs is not lost.
#include "vmm/vcpu.h"

#include <sys/ioctl.h>

#include <algorithm>
#include <cerrno>

#include "vmm/error.h"
#include "vmm/ioctl.h"

namespace fv::vmm {

Vcpu::Vcpu(const Kvm& kvm, const Vm& vm, std::span<const kvm_cpuid_entry2> cpuid)
    : fd_(IoctlOrThrow(vm.fd(), KVM_CREATE_VCPU, "KVM_CREATE_VCPU", 0UL)),
      run_mapping_(Mapping::OfFile(fd_.get(), kvm.run_page_bytes())),
      run_(reinterpret_cast<kvm_run*>(run_mapping_.data())) {
  KvmList<kvm_cpuid_entry2, kMaxCpuidEntries> list{};
  list.count = static_cast<uint32_t>(std::min(cpuid.size(), kMaxCpuidEntries));
  std::copy_n(cpuid.begin(), list.count, list.entries);
  IoctlOrThrow(fd_.get(), KVM_SET_CPUID2, "KVM_SET_CPUID2", &list);
  run_->kvm_valid_regs = KVM_SYNC_X86_REGS;
}

void Vcpu::SetRegs(const kvm_regs& regs) {
  IoctlOrThrow(fd_.get(), KVM_SET_REGS, "KVM_SET_REGS", &regs);
  run_->s.regs.regs = regs;
}

void Vcpu::SetSregs(const kvm_sregs& sregs) {
  IoctlOrThrow(fd_.get(), KVM_SET_SREGS, "KVM_SET_SREGS", &sregs);
  // Without an interrupt controller in the kernel KVM_RUN takes CR8 from the run page.
  run_->cr8 = sregs.cr8;
}

void Vcpu::SetMsrs(std::span<const kvm_msr_entry> entries) {
  for (const kvm_msr_entry& entry : entries) {
    KvmList<kvm_msr_entry, 1> list{1, 0, {entry}};
    if (IoctlOrThrow(fd_.get(), KVM_SET_MSRS, "KVM_SET_MSRS", &list) != 1) {
      throw VmmError(VmmErrorKind::kSystem,
                     "KVM_SET_MSRS refused MSR number " + std::to_string(entry.index));
    }
  }
}

void Vcpu::SetXcr0(uint64_t value) {
  kvm_xcrs xcrs{};
  xcrs.nr_xcrs = 1;
  xcrs.xcrs[0].xcr = 0;
  xcrs.xcrs[0].value = value;
  IoctlOrThrow(fd_.get(), KVM_SET_XCRS, "KVM_SET_XCRS", &xcrs);
}

uint64_t Vcpu::ReadMsr(uint32_t index) const {
  KvmList<kvm_msr_entry, 1> list{1, 0, {{index, 0, 0}}};
  if (IoctlOrThrow(fd_.get(), KVM_GET_MSRS, "KVM_GET_MSRS", &list) != 1) {
    throw VmmError(VmmErrorKind::kSystem,
                   "KVM_GET_MSRS refused MSR number " + std::to_string(index));
  }
  return list.entries[0].data;
}

uint64_t Vcpu::TscKhz() const {
  const int khz = ::ioctl(fd_.get(), KVM_GET_TSC_KHZ, 0UL);
  return khz > 0 ? static_cast<uint64_t>(khz) : 0;
}

// What is left of an MMIO or port access is in no state that can be read. An entry with
// immediate_exit completes it (Documentation/virt/kvm/api.rst, KVM_EXIT_MMIO).
void Vcpu::FinishExit() {
  if (!exit_open_) return;
  SetImmediateExit(1);
  const int result = ::ioctl(fd_.get(), KVM_RUN, 0UL);
  const int error = errno;
  SetImmediateExit(0);
  // A request of before, or one that came meanwhile, is not lost.
  if (exit_requested_) SetImmediateExit(1);
  if (result == 0 || error != EINTR) {
    ThrowErrno("KVM_RUN, to finish the last exit", result == 0 ? EIO : error);
  }
  exit_open_ = false;
}

Exit Vcpu::Run() {
  ++entries_;
  if (::ioctl(fd_.get(), KVM_RUN, 0UL) == 0) {
    exit_open_ = true;
    return DecodeExit(*run_);
  }
  const int error = errno;
  exit_open_ = false;
  if (error == EINTR || error == EAGAIN) {
    ClearExitRequest();
    return Interrupted{};
  }
  return RunFailed{error};
}

kvm_regs Vcpu::regs() const { return run_->s.regs.regs; }

kvm_sregs Vcpu::sregs() const {
  kvm_sregs sregs{};
  IoctlOrThrow(fd_.get(), KVM_GET_SREGS, "KVM_GET_SREGS", &sregs);
  return sregs;
}

bool Vcpu::InjectInterrupt(uint32_t vector) {
  kvm_interrupt interrupt{vector};
  return ::ioctl(fd_.get(), KVM_INTERRUPT, &interrupt) == 0;
}

}  // namespace fv::vmm
