// SPDX-License-Identifier: Apache-2.0
//
// The pages of guest memory that were written, for those who want to know: KVM's dirty log has one
// reader, who takes what is in it; here each reader has its own account since its own last look.
// The vCPU must stand still in every call. The Vm and the memory must outlive it.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "vmm/guest_memory.h"
#include "vmm/vm.h"

namespace fv::vmm {

class DirtyLog {
 public:
  enum class Reader : uint8_t {
    kOracle,  // this one and the next: what the guest wrote, and nothing else
    kRecorder,
    kReset,  // what anybody wrote: the guest, and the host by GuestMemory::Write
  };

  DirtyLog(Vm& vm, GuestMemory& memory) : vm_(vm), memory_(memory) {}

  // From here on every page counts as unwritten for `reader`. May be called again. Throws VmmError.
  void Start(Reader reader);
  // Pages written since the last Take (or Start) of this reader: bit i % 64 of bitmap[i / 64] is
  // frame i. `bitmap` is resized to one word for 64 frames. Throws VmmError.
  void Take(Reader reader, std::vector<uint64_t>& bitmap);

 private:
  struct Account {
    bool started = false;
    std::vector<uint64_t> pages;
  };
  Account& AccountOf(Reader reader) { return accounts_[static_cast<size_t>(reader)]; }
  // Books what KVM has logged on every account.
  void Collect();

  Vm& vm_;
  GuestMemory& memory_;
  bool logging_ = false;
  std::array<Account, 3> accounts_;
  std::vector<uint64_t> fresh_;
};

}  // namespace fv::vmm
