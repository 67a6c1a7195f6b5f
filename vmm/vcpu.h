// SPDX-License-Identifier: Apache-2.0
//
// One vCPU: KVM_RUN, its run page, registers. General registers come with every exit through the
// run page (KVM_CAP_SYNC_REGS), so reading them costs no system call.
//
// Thread safety: one thread runs it. RequestExit may be called from any thread and from a signal
// handler.
#pragma once

#include "vmm/kvm_api.h"

#include <atomic>
#include <cstdint>
#include <span>
#include <string>

#include "vmm/exit.h"
#include "vmm/fd.h"
#include "vmm/kvm.h"
#include "vmm/kvm_counts.h"
#include "vmm/mapping.h"
#include "vmm/vm.h"

namespace fv::vmm {

class Vcpu {
 public:
  // KVM_CREATE_VCPU and its run page. `cpuid` is given to the guest as it is. Throws VmmError.
  Vcpu(const Kvm& kvm, const Vm& vm, std::span<const kvm_cpuid_entry2> cpuid);

  // Set-up; each throws VmmError with the name of the refused call.
  void SetRegs(const kvm_regs& regs);
  void SetSregs(const kvm_sregs& sregs);
  void SetMsrs(std::span<const kvm_msr_entry> entries);
  void SetXcr0(uint64_t value);
  uint64_t ReadMsr(uint32_t index) const;
  // KVM_GET_TSC_KHZ; 0 if KVM does not know.
  uint64_t TscKhz() const;
  KvmCounts Counts() const { return ReadKvmCounts(fd_.get()); }

  int fd() const { return fd_.get(); }
  // Ends what the last exit left half done (a write to the doorbell is finished by KVM at the next
  // entry only), without running the guest. Before the state of the vCPU is read or replaced.
  // Throws VmmError.
  void FinishExit();

  // Runs until the next exit. Never throws: a refusal is the exit RunFailed.
  Exit Run();
  // Calls of Run so far.
  uint64_t entries() const { return entries_; }

  // Makes the current or next Run return Interrupted, once. Only together with a signal to the
  // running thread does it take effect at once (kicker.h).
  void RequestExit() {
    exit_requested_ = true;
    SetImmediateExit(1);
  }
  void ClearExitRequest() {
    exit_requested_ = false;
    SetImmediateExit(0);
  }

  // Registers as of the last exit.
  kvm_regs regs() const;
  kvm_sregs sregs() const;

  // The guest runs with RFLAGS.IF set (as of the last exit).
  bool interrupts_enabled() const { return run_->if_flag != 0; }
  // InjectInterrupt would be accepted now.
  bool can_inject() const { return run_->ready_for_interrupt_injection != 0 && run_->if_flag != 0; }
  // KVM_INTERRUPT; false if KVM refuses.
  [[nodiscard]] bool InjectInterrupt(uint32_t vector);
  // Ask for the exit InterruptWindow as soon as an interrupt can be injected.
  enum class Window { kIgnore, kRequest };
  void RequestWindow(Window window) {
    run_->request_interrupt_window = window == Window::kRequest ? 1 : 0;
  }

  // All general, segment and control registers as text, several lines.
  std::string DumpRegisters() const;

 private:
  void SetImmediateExit(uint8_t value) {
    __atomic_store_n(&run_->immediate_exit, value, __ATOMIC_SEQ_CST);
  }

  Fd fd_;
  Mapping run_mapping_;  // unmapped before the vCPU's fd is closed
  kvm_run* run_;
  std::atomic<bool> exit_requested_ = false;  // what immediate_exit is when FinishExit is done
  bool exit_open_ = false;                    // FinishExit has something to do
  uint64_t entries_ = 0;
};

}  // namespace fv::vmm
