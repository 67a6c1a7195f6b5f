// SPDX-License-Identifier: Apache-2.0
//
// What a session needs of a machine that runs a guest, whatever executes it: KVM (machine.h) or
// QEMU's translator (qemu/qemu_machine.h). The guest is the same, its memory is seen in the same
// way, and in a port it stands still.
//
// Thread safety: one thread; Kick and RequestStop from anywhere, signal handlers too.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "proto/boot_info.h"
#include "vmm/exit_handler.h"
#include "vmm/guest_memory.h"
#include "vmm/idle.h"
#include "vmm/kvm_counts.h"
#include "vmm/log_wishes.h"
#include "vmm/run_result.h"

namespace fv::vmm {

// Who reads the log of written pages: each has an account of its own.
enum class LogReader : uint8_t { kOracle, kRecorder };

class MachineInterface {
 public:
  virtual ~MachineInterface() = default;

  // Runs the guest until a port says stop or the run fails. May be called again after kStopped
  // and kKicked.
  virtual RunResult Run(Ports& ports) = 0;
  // Makes Run call OnTick soon, or ends WaitIdle: one of them, once. Kicks that nobody was told of
  // yet are one.
  virtual void Kick() = 0;
  // Makes Run return kKicked soon.
  virtual void RequestStop() = 0;

  virtual GuestMemory& memory() = 0;
  const GuestMemory& memory() const { return const_cast<MachineInterface*>(this)->memory(); }

  // For DoorbellReason::kIdle, from Ports::OnDoorbell: waits at most `wait_ns` (kNoDeadline: for
  // ever) until one of `fds` is readable or until Kick, RequestStop or a signal. Ticks pause
  // meanwhile. The wall limit ends the wait too (kDeadline).
  virtual IdleEnd WaitIdle(uint64_t wait_ns, std::span<const int> fds) = 0;
  // The guest's time-stamp counter now, comparable with ChannelHeader's deadlines.
  virtual uint64_t GuestTsc() const = 0;
  // Nanoseconds from now until the guest's TSC reaches `tsc`; 0 if it has.
  virtual uint64_t NsUntil(uint64_t tsc) const = 0;

  // What the guest was told (host's own copy: the guest cannot change it).
  virtual const proto::BootInfo& boot_info() const = 0;
  uint64_t channel_gpa() const { return boot_info().channel_gpa; }
  // What executes the guest and in which ring its kernel runs, and why: for -v.
  virtual std::string Describe() const = 0;
  // Whether the guest stands still in the middle of its kernel, whose structures may be half
  // changed; nullopt if that cannot be told. For OnTick: at a doorbell they are whole.
  virtual std::optional<bool> InKernelCode() const = 0;
  // What KVM counted so far; not known if something else executes the guest.
  virtual KvmCounts Counts() const { return {}; }
  // The CPU's registers as text, several lines; empty if they cannot be read.
  virtual std::string DumpRegisters() const = 0;

  // The log of pages that the guest wrote. From StartDirtyLog on; TakeDirtyLog gives those written
  // since the last call for this reader: bit i % 64 of bitmap[i / 64] is frame i. It may name pages
  // that were not written. Writes by the host are not in it. Both throw VmmError.
  virtual void StartDirtyLog(LogReader reader) = 0;
  virtual void TakeDirtyLog(LogReader reader, std::vector<uint64_t>& bitmap) = 0;
  // After TakeDirtyLog, before the guest runs on; a hint, which holds until the next take.
  virtual void TellDirtyLog(LogReader /*reader*/, const LogWishes& /*wishes*/) {}
};

}  // namespace fv::vmm
