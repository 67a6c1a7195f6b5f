// SPDX-License-Identifier: Apache-2.0
//
// One virtual machine of KVM: its file descriptor, its one memory slot and the dirty log of it.
// The GuestMemory given to MapMemory must outlive the Vm.
#pragma once

#include <cstdint>
#include <vector>

#include "vmm/fd.h"
#include "vmm/guest_memory.h"
#include "vmm/kvm.h"

namespace fv::vmm {

class Vm {
 public:
  // KVM_CREATE_VM. Throws VmmError.
  explicit Vm(const Kvm& kvm);

  int fd() const { return fd_.get(); }

  // Makes `memory` the guest-physical range [0, memory.size()). Once. Throws VmmError.
  void MapMemory(const GuestMemory& memory);

  // Switches the dirty log on or off. Switching on starts a clean log (every page counts as
  // unwritten). Throws VmmError. The vCPU must stand still.
  enum class DirtyLog { kOff, kOn };
  void SetDirtyLog(DirtyLog state);
  // The pages in the log: bit i % 64 of bitmap[i / 64] is frame i. A page is in it from its first
  // write on until it is protected. `bitmap` is resized to ram_bytes / 4096 / 64 words. Writes by
  // the host are not in it. Throws VmmError.
  void GetDirtyLog(std::vector<uint64_t>& bitmap);
  // Takes these pages, as far as they are in the log, out of it; the next write puts one back. A
  // KVM that cannot be told (before Linux 5.1) has done it to all when it named them. Throws
  // VmmError.
  void Protect(std::vector<uint64_t>& bitmap);

  // Takes the memory slot away and makes it again: KVM forgets every translation that it had. The
  // dirty log keeps its state and loses its content. Throws VmmError. The vCPU must stand still.
  void RemakeSlot();

 private:
  void SetRegion(uint32_t flags, uint64_t bytes);

  Fd fd_;
  uint8_t* memory_base_ = nullptr;
  uint64_t memory_bytes_ = 0;
  uint32_t flags_ = 0;  // of the slot
  bool protects_on_demand_ = false;
};

}  // namespace fv::vmm
