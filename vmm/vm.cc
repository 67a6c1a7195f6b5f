// SPDX-License-Identifier: Apache-2.0
//
// KVM_CREATE_VM, the memory slot, the dirty log.
#include "vmm/vm.h"

#include <sys/ioctl.h>

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

}  // namespace

Vm::Vm(const Kvm& kvm) : fd_(IoctlOrThrow(kvm.fd(), KVM_CREATE_VM, "KVM_CREATE_VM")) {}

void Vm::MapMemory(const GuestMemory& memory) {
  memory_base_ = memory.host_base();
  memory_bytes_ = memory.size();
  SetRegion(0);
  if (memory_bytes_<kTssPages&& ::ioctl(fd_.get(), KVM_CHECK_EXTENSION,
                                        static_cast<unsigned long>(KVM_CAP_SET_TSS_ADDR))> 0) {
    IoctlOrThrow(fd_.get(), KVM_SET_TSS_ADDR, "KVM_SET_TSS_ADDR",
                 static_cast<unsigned long>(kTssPages));
  }
}

void Vm::SetDirtyLog(DirtyLog state) {
  SetRegion(state == DirtyLog::kOn ? KVM_MEM_LOG_DIRTY_PAGES : 0);
}

void Vm::GetDirtyLog(std::vector<uint64_t>& bitmap) {
  bitmap.assign(memory_bytes_ / proto::kPageBytes / 64, 0);
  kvm_dirty_log log{};
  log.slot = kSlot;
  log.dirty_bitmap = bitmap.data();
  IoctlOrThrow(fd_.get(), KVM_GET_DIRTY_LOG, "KVM_GET_DIRTY_LOG", &log);
}

void Vm::SetRegion(uint32_t flags) {
  kvm_userspace_memory_region region{};
  region.slot = kSlot;
  region.flags = flags;
  region.guest_phys_addr = 0;
  region.memory_size = memory_bytes_;
  region.userspace_addr = reinterpret_cast<uintptr_t>(memory_base_);
  IoctlOrThrow(fd_.get(), KVM_SET_USER_MEMORY_REGION, "KVM_SET_USER_MEMORY_REGION", &region);
}

}  // namespace fv::vmm
