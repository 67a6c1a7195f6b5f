// SPDX-License-Identifier: Apache-2.0
//
// KVM_CREATE_VM, the memory slot, the dirty log.
#include "vmm/vm.h"

#include <sys/ioctl.h>

#include <algorithm>
#include <cerrno>

#include "proto/layout.h"
#include "vmm/error.h"
#include "vmm/ioctl.h"

namespace fv::vmm {
namespace {

constexpr uint32_t kSlot = 0;
// Three pages that VMX without "unrestricted guest" wants outside RAM, for real mode, which no
// guest of ours enters. Customary place, below 4 GiB.
constexpr uint64_t kTssPages = 0xFFFB'D000;

// Whether KVM leaves it to KVM_CLEAR_DIRTY_LOG which pages are protected again (Linux 5.1 on).
bool ProtectsOnDemand(int fd) {
  kvm_enable_cap capability{};
  capability.cap = KVM_CAP_MANUAL_DIRTY_LOG_PROTECT2;
  capability.args[0] = KVM_DIRTY_LOG_MANUAL_PROTECT_ENABLE;
  return ::ioctl(fd, KVM_ENABLE_CAP, &capability) == 0;
}

int CreateVm(int kvm) {
  int fd;
  do {
    fd = ::ioctl(kvm, KVM_CREATE_VM, 0UL);
  } while (fd < 0 && errno == EINTR);
  if (fd < 0) ThrowCreateFailure(errno);
  return fd;
}

}  // namespace

Vm::Vm(const Kvm& kvm) : fd_(CreateVm(kvm.fd())) {}

void Vm::MapMemory(const GuestMemory& memory) {
  memory_base_ = memory.host_base();
  memory_bytes_ = memory.size();
  SetRegion(flags_, memory_bytes_);
  const bool outside = kTssPages > memory_bytes_;
  if (outside && ::ioctl(fd_.get(), KVM_CHECK_EXTENSION,
                         static_cast<unsigned long>(KVM_CAP_SET_TSS_ADDR)) > 0) {
    IoctlOrThrow(fd_.get(), KVM_SET_TSS_ADDR, "KVM_SET_TSS_ADDR",
                 static_cast<unsigned long>(kTssPages));
  }
}

void Vm::SetDirtyLog(DirtyLog state) {
  if (state == DirtyLog::kOn) protects_on_demand_ = ProtectsOnDemand(fd_.get());
  flags_ = state == DirtyLog::kOn ? KVM_MEM_LOG_DIRTY_PAGES : 0;
  SetRegion(flags_, memory_bytes_);
}

void Vm::RemakeSlot() {
  SetRegion(0, 0);
  SetRegion(flags_, memory_bytes_);
}

void Vm::GetDirtyLog(std::vector<uint64_t>& bitmap) {
  bitmap.resize(memory_bytes_ / proto::kPageBytes / 64);
  kvm_dirty_log log{};
  log.slot = kSlot;
  log.dirty_bitmap = bitmap.data();
  IoctlOrThrow(fd_.get(), KVM_GET_DIRTY_LOG, "KVM_GET_DIRTY_LOG", &log);
}

void Vm::Protect(std::vector<uint64_t>& bitmap) {
  if (!protects_on_demand_) return;
  const auto written = [](uint64_t word) { return word != 0; };
  const auto first = std::find_if(bitmap.begin(), bitmap.end(), written);
  if (first == bitmap.end()) return;
  const auto end = std::find_if(bitmap.rbegin(), bitmap.rend(), written).base();
  kvm_clear_dirty_log clear{};
  clear.slot = kSlot;
  clear.first_page = static_cast<uint64_t>(first - bitmap.begin()) * 64;
  clear.num_pages = static_cast<uint32_t>(end - first) * 64;
  clear.dirty_bitmap = &*first;
  IoctlOrThrow(fd_.get(), KVM_CLEAR_DIRTY_LOG, "KVM_CLEAR_DIRTY_LOG", &clear);
}

void Vm::SetRegion(uint32_t flags, uint64_t bytes) {
  kvm_userspace_memory_region region{};
  region.slot = kSlot;
  region.flags = flags;
  region.guest_phys_addr = 0;
  region.memory_size = bytes;
  region.userspace_addr = reinterpret_cast<uintptr_t>(memory_base_);
  IoctlOrThrow(fd_.get(), KVM_SET_USER_MEMORY_REGION, "KVM_SET_USER_MEMORY_REGION", &region);
}

}  // namespace fv::vmm
