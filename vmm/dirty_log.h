// SPDX-License-Identifier: Apache-2.0
//
// The pages of guest memory that were written, for those who want to know: KVM's dirty log has one
// reader, who takes what is in it; here each reader has its own account since its own last look.
//
// A page stays in KVM's log, and writable, until it is protected; so what is left unprotected is
// named at every take, and forgetting to protect costs a look and loses no write. Which pages are
// protected is decided when the guest runs on (Settle): all that KVM named, but for those that no
// reader needs to hear of (LogWishes::open) and those that are busy (BusyPages).
//
// The vCPU must stand still in every call. Vm, vCPU and memory must outlive it.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "vmm/busy_pages.h"
#include "vmm/guest_memory.h"
#include "vmm/log_wishes.h"
#include "vmm/vcpu.h"
#include "vmm/vm.h"

namespace fv::vmm {

class DirtyLog {
 public:
  enum class Reader : uint8_t {
    kOracle,  // this one and the next: what the guest wrote, and nothing else
    kRecorder,
    kReset,  // what anybody wrote: the guest, and the host by GuestMemory::Write
  };

  DirtyLog(Vm& vm, const Vcpu& vcpu, GuestMemory& memory) : vm_(vm), vcpu_(vcpu), memory_(memory) {}

  // From here on every page counts as unwritten for `reader`. May be called again. Throws VmmError.
  void Start(Reader reader);
  // Pages written since the last Take (or Start) of this reader, and pages that were left
  // unprotected: bit i % 64 of bitmap[i / 64] is frame i. `bitmap` is resized to one word for 64
  // frames. Throws VmmError.
  void Take(Reader reader, std::vector<uint64_t>& bitmap);
  // What the reader wants of the pages that its last Take named.
  void Tell(Reader reader, const LogWishes& wishes);
  // Before the vCPU runs: protects what is to be protected. Throws VmmError.
  void Settle();

 private:
  struct Account {
    bool started = false;
    bool told = false;  // its wishes, since the last Collect
    std::vector<uint64_t> pages;
  };
  Account& AccountOf(Reader reader) { return accounts_[static_cast<size_t>(reader)]; }
  // Books what KVM has logged on every account, once each time that the vCPU stands still.
  void Collect();

  Vm& vm_;
  const Vcpu& vcpu_;
  GuestMemory& memory_;
  std::optional<BusyPages> busy_;  // when the log is on
  std::array<Account, 3> accounts_;
  std::vector<uint64_t> named_;  // by KVM, at the last Collect
  std::vector<uint64_t> open_;   // of them, those that nobody who told his wishes needs to hear of
  std::vector<uint64_t> costly_;
  std::vector<uint64_t> protect_;
  uint64_t entries_ = ~uint64_t{0};  // of the vCPU, at the last Collect
  bool settled_ = true;              // what was named is protected as far as it is to be
};

}  // namespace fv::vmm
