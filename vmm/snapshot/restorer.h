// SPDX-License-Identifier: Apache-2.0
//
// Takes snapshots of one machine and brings it back to any of them. What a restore copies is what
// was written since, by the guest (dirty log) or by the host (GuestMemory::Write), and what the two
// snapshots differ in.
//
// Frames that were ever page tables are restored by the guest, a word at a time: a hypervisor with
// shadow page tables follows only the guest's own writes of them (proto/channel.h, RestoreWord).
// The host keeps the set of these frames itself, since a restore takes the guest's own back.
//
// One thread, while the vCPU stands still. A restore only between two runs; a snapshot in a port
// too.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "proto/channel.h"
#include "vmm/clock.h"
#include "vmm/dirty_log.h"
#include "vmm/guest_memory.h"
#include "vmm/kicker.h"
#include "vmm/kvm.h"
#include "vmm/snapshot/snapshot.h"
#include "vmm/vcpu.h"
#include "vmm/vm.h"

namespace fv::vmm {

// What a restore did, and what it took in ns.
struct RestoreStats {
  uint64_t pages = 0;         // copied by the host
  uint64_t table_pages = 0;   // of page tables, looked through
  uint64_t words = 0;         // of them, written by the guest
  uint64_t log_ns = 0;        // finding out what was written
  uint64_t memory_ns = 0;     // the host's share of memory
  uint64_t guest_ns = 0;      // the guest's share
  uint64_t registers_ns = 0;  // the vCPU
};

// How page tables come back.
enum class TableRestore {
  kGuestWrites,  // the guest writes the words that differ
  kRemakeSlot,   // the host writes them, and the hypervisor is made to forget what it had
};

// One difference between a machine and a snapshot.
struct PageDifference {
  uint64_t frame;
  uint64_t offset;  // of the first byte that differs
  uint8_t have;
  uint8_t want;
};
struct StateDifference {
  std::vector<PageDifference> pages;   // the first kMostPages
  uint64_t page_count = 0;             // all
  std::vector<std::string> registers;  // DifferencesOf
  bool none() const { return page_count == 0 && registers.empty(); }

  static constexpr size_t kMostPages = 16;
};

// What the restorer works on; all outlive it.
struct RestorerParts {
  Vm& vm;
  Vcpu& vcpu;
  GuestMemory& memory;
  DirtyLog& dirty_log;
  GuestClock& clock;
  Kicker& kicker;
};

class Restorer {
 public:
  // `kernel_sregs`: registers with which kernel code runs on its own root. `facts`: a snapshot in
  // which everything is filled in that does not change (boot, kernel_id, tick_ns, ring0_emulated,
  // cpuid).
  Restorer(const Kvm& kvm, const RestorerParts& parts, const kvm_sregs& kernel_sregs,
           Snapshot facts);

  // The machine as it stands. The first costs a copy of all memory in use, unless the machine was
  // made from a snapshot; later ones, what was written since. Throws VmmError.
  std::shared_ptr<const Snapshot> Take(const Tick& tick);
  // The machine becomes `snapshot`, which is one of this machine's or the one that it was made
  // from. Throws VmmError; then the machine must not run any more.
  RestoreStats Restore(const std::shared_ptr<const Snapshot>& snapshot);
  // For a machine that was just made from `snapshot`: memory is there, registers and time are not.
  void Adopt(std::shared_ptr<const Snapshot> snapshot);

  // Compares everything: each byte of RAM, every register. Only right after Restore or Adopt.
  StateDifference Compare(const Snapshot& snapshot);

  void set_table_restore(TableRestore how) { how_ = how; }
  // Tests of the proof: a restore leaves this frame as it is.
  void LeaveOutForTest(uint64_t frame) { left_out_ = frame; }

 private:
  void SetClock(const Snapshot& snapshot);
  void NoteTables(const std::vector<uint64_t>& dirty);
  bool IsTable(uint64_t frame) const { return (tables_[frame / 64] >> frame % 64 & 1) != 0; }
  void RestoreMemory(const RamImage& image, RestoreStats& stats);
  void CollectWords(uint64_t frame, const uint8_t* want);
  // Has the guest write words_, and empties it.
  void LetGuestWrite();
  void RunRoutine(uint64_t count);
  bool FrameDiffers(uint64_t frame, const uint8_t* want, StateDifference& out) const;

  RestorerParts parts_;
  kvm_sregs kernel_sregs_;
  Snapshot facts_;
  std::vector<uint32_t> msrs_;
  size_t xsave_bytes_;
  FrameRange window_;       // the restore window
  uint64_t table_map_gpa_;  // the guest's set of page-table frames; 0: not known yet
  std::shared_ptr<const Snapshot> origin_;  // from which dirty pages are counted
  std::vector<uint64_t> dirty_;
  std::vector<uint64_t> tables_;  // frames that were page tables since the VM was made
  std::vector<proto::RestoreWord> words_;
  TableRestore how_ = TableRestore::kGuestWrites;
  std::optional<uint64_t> left_out_;
};

}  // namespace fv::vmm
