// SPDX-License-Identifier: Apache-2.0
//
// Opens /dev/kvm and refuses, by name, what would fail later.
#include "vmm/kvm.h"

#include <fcntl.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <memory>
#include <utility>

#include "vmm/error.h"
#include "vmm/ioctl.h"

namespace fv::vmm {
namespace {

struct NeededCapability {
  int number;
  const char* name;
};

// All of them are in every Linux since 4.17 (2018).
constexpr NeededCapability kNeeded[] = {
    {KVM_CAP_USER_MEMORY, "KVM_CAP_USER_MEMORY"},
    {KVM_CAP_DESTROY_MEMORY_REGION_WORKS, "KVM_CAP_DESTROY_MEMORY_REGION_WORKS"},
    {KVM_CAP_SYNC_MMU, "KVM_CAP_SYNC_MMU"},
    {KVM_CAP_EXT_CPUID, "KVM_CAP_EXT_CPUID"},
    {KVM_CAP_IMMEDIATE_EXIT, "KVM_CAP_IMMEDIATE_EXIT"},
    {KVM_CAP_SYNC_REGS, "KVM_CAP_SYNC_REGS"},
};

std::vector<kvm_cpuid_entry2> ReadSupportedCpuid(int fd) {
  const auto list = std::make_unique<KvmList<kvm_cpuid_entry2, kMaxCpuidEntries>>();
  list->count = kMaxCpuidEntries;
  IoctlOrThrow(fd, KVM_GET_SUPPORTED_CPUID, "KVM_GET_SUPPORTED_CPUID", list.get());
  const size_t count = std::min<size_t>(list->count, kMaxCpuidEntries);
  return {list->entries, list->entries + count};
}

Fd OpenDevice(const std::string& device) {
  Fd fd(::open(device.c_str(), O_RDWR | O_CLOEXEC));
  if (!fd.valid()) ThrowOpenFailure(device, errno);
  const int version = ::ioctl(fd.get(), KVM_GET_API_VERSION, 0);
  if (version < 0) {
    throw VmmError(VmmErrorKind::kNoDevice, device + " does not answer as KVM does");
  }
  if (version != KVM_API_VERSION) {
    throw VmmError(VmmErrorKind::kTooOld, "KVM API version " + std::to_string(version) +
                                              ", version " + std::to_string(KVM_API_VERSION) +
                                              " is needed");
  }
  return fd;
}

}  // namespace

void ThrowOpenFailure(const std::string& device, int error) {
  const std::string why = device + ": " + std::strerror(error);
  switch (error) {
    case ENOENT:
    case ENXIO:
    case ENODEV:
      throw VmmError(VmmErrorKind::kNoDevice,
                     why + " (is virtualization on in the firmware, and is a KVM module loaded?)");
    case ENOTDIR:
    case EISDIR:
    case ELOOP:
      throw VmmError(VmmErrorKind::kNoDevice, why);
    case EACCES:
    case EPERM:
      throw VmmError(VmmErrorKind::kNoPermission,
                     why + " (add this user to the group kvm: usermod -aG kvm USER)");
    default:
      ThrowErrno(device, error);
  }
}

void ThrowCreateFailure(int error) {
  if (error != EBUSY) ThrowErrno("KVM_CREATE_VM", error);
  throw VmmError(VmmErrorKind::kNoDevice,
                 std::string("KVM_CREATE_VM: ") + std::strerror(error) +
                     " (another hypervisor, VirtualBox or VMware say, holds the CPU's "
                     "virtualization: end its machines, or unload its kernel module)");
}

Kvm Kvm::Open(const std::string& device) { return Kvm(OpenDevice(device)); }

Kvm::Kvm(Fd fd) : fd_(std::move(fd)) {
  RequireCapabilities([this](int number) { return Capability(number); });
  run_page_bytes_ = static_cast<size_t>(
      IoctlOrThrow(fd_.get(), KVM_GET_VCPU_MMAP_SIZE, "KVM_GET_VCPU_MMAP_SIZE"));
  if (run_page_bytes_ < sizeof(kvm_run)) {
    throw VmmError(VmmErrorKind::kTooOld, "KVM's run page is smaller than its header says");
  }
  cpuid_ = ReadSupportedCpuid(fd_.get());
}

int Kvm::Capability(int capability) const {
  return ::ioctl(fd_.get(), KVM_CHECK_EXTENSION, static_cast<unsigned long>(capability));
}

void RequireCapabilities(const std::function<int(int)>& capability) {
  for (const NeededCapability& needed : kNeeded) {
    if (capability(needed.number) <= 0) {
      throw VmmError(VmmErrorKind::kTooOld, std::string("this host's KVM lacks ") + needed.name);
    }
  }
  const int synced = capability(KVM_CAP_SYNC_REGS);
  if ((synced & KVM_SYNC_X86_REGS) == 0) {
    throw VmmError(VmmErrorKind::kTooOld, "this host's KVM lacks KVM_SYNC_X86_REGS");
  }
}

std::string BackendName() {
  struct Backend {
    const char* path;
    const char* name;
  };
  constexpr Backend kBackends[] = {
      {"/sys/module/kvm_intel", "kvm_intel"},
      {"/sys/module/kvm_amd", "kvm_amd"},
      {"/sys/module/kvm_pvm", "kvm_pvm (software)"},
  };
  for (const Backend& backend : kBackends) {
    if (::access(backend.path, F_OK) == 0) return backend.name;
  }
  return "unknown";
}

}  // namespace fv::vmm
