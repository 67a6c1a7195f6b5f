// SPDX-License-Identifier: Apache-2.0
//
// The system-wide side of KVM: /dev/kvm, its version and capabilities, and what CPUID it can
// give to a guest (Documentation/virt/kvm/api.rst). Opening checks everything that a machine
// needs later, so that every "this host cannot" is said once, early and by name.
#pragma once

#include "vmm/kvm_api.h"

#include <cstddef>
#include <functional>
#include <string>
#include <vector>

#include "vmm/fd.h"

namespace fv::vmm {

inline constexpr char kKvmDevice[] = "/dev/kvm";
inline constexpr size_t kMaxCpuidEntries = 256;  // KVM_MAX_CPUID_ENTRIES of the kernel

class Kvm {
 public:
  // Throws VmmError: kNoDevice, kNoPermission, or kTooOld with the missing capability's name.
  // `device` is replaced by tests only.
  static Kvm Open(const std::string& device = kKvmDevice);

  int fd() const { return fd_.get(); }
  // Bytes of a vCPU's shared run page (KVM_GET_VCPU_MMAP_SIZE).
  size_t run_page_bytes() const { return run_page_bytes_; }
  // KVM_GET_SUPPORTED_CPUID, read once at Open.
  const std::vector<kvm_cpuid_entry2>& supported_cpuid() const { return cpuid_; }
  // KVM_CHECK_EXTENSION: 0 = absent, else its value.
  int Capability(int capability) const;

 private:
  explicit Kvm(Fd fd);

  Fd fd_;
  size_t run_page_bytes_ = 0;
  std::vector<kvm_cpuid_entry2> cpuid_;
};

// Throws the VmmError for an open(2) of `device` that failed with errno `error`.
[[noreturn]] void ThrowOpenFailure(const std::string& device, int error);
// The same for KVM_CREATE_VM.
[[noreturn]] void ThrowCreateFailure(int error);

// Throws VmmError (kTooOld) that names the first needed capability for which `capability`
// (KVM_CHECK_EXTENSION) gives nothing. Called by Kvm::Open.
void RequireCapabilities(const std::function<int(int)>& capability);

// Name of the KVM backend, from /sys/module: "kvm_intel", "kvm_amd", "kvm_pvm (software)" or
// "unknown". For -v and the context of benchmarks; nothing is ever decided by it.
std::string BackendName();

}  // namespace fv::vmm
