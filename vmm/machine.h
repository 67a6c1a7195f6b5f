// SPDX-License-Identifier: Apache-2.0
//
// A bootable machine: RAM with kernel image, boot tables, channel, arguments and root file system
// in it, one vCPU in its initial state, the tick and the watchdog. This is what the rest of the
// program uses; the other headers of vmm/ are its parts. It knows nothing of tasks.
//
//   Kvm kvm = Kvm::Open();
//   Machine machine(kvm, config);            // throws VmmError
//   RunResult result = machine.Run(ports);   // ports: your Ports (exit_handler.h)
//
// Guest-physical layout: boot info page, kernel image at 1 MiB, boot page tables, channel,
// arguments, initrd, free RAM. Thread safety: one thread; Kick from anywhere.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "proto/boot_info.h"
#include "proto/channel.h"
#include "vmm/exit_handler.h"
#include "vmm/guest_memory.h"
#include "vmm/idle.h"
#include "vmm/kvm.h"
#include "vmm/machine_config.h"
#include "vmm/run_loop.h"
#include "vmm/vcpu.h"
#include "vmm/vm.h"

namespace fv::vmm {

class Machine {
 public:
  // Throws VmmError. Nothing runs yet, except the ring probe with KernelRing::kAuto.
  Machine(const Kvm& kvm, const MachineConfig& config);
  ~Machine();
  Machine(const Machine&) = delete;
  Machine& operator=(const Machine&) = delete;

  // Runs the guest until a port says stop or the run fails. May be called again after kStopped
  // and kKicked. The thread that calls owns the vCPU for that time; the machine's timer signal
  // (kicker.h) may interrupt slow system calls made in ports (handlers use SA_RESTART).
  RunResult Run(Ports& ports);

  // Makes Run call OnTick soon (any thread, signal handlers too).
  void Kick();
  // Makes Run return kKicked soon (any thread, signal handlers too).
  void RequestStop();

  GuestMemory& memory();
  const GuestMemory& memory() const;
  Vm& vm();
  Vcpu& vcpu();

  // For DoorbellReason::kIdle, from Ports::OnDoorbell: waits at most `wait_ns` (kNoDeadline: for
  // ever) until one of `fds` is readable or until Kick, RequestStop or a signal. Ticks pause
  // meanwhile. The wall limit ends the wait too (kDeadline).
  IdleEnd WaitIdle(uint64_t wait_ns, std::span<const int> fds);

  // What the guest was told (host's own copy: the guest cannot change it).
  const proto::BootInfo& boot_info() const;
  uint64_t channel_gpa() const { return boot_info().channel_gpa; }
  // The ring that was chosen, and why, for -v: "ring 3: ring 0 is emulated (2100 cycles ...)".
  const std::string& ring_reason() const;

  // The guest's time-stamp counter now, comparable with ChannelHeader's deadlines.
  uint64_t GuestTsc() const;
  // Nanoseconds from now until the guest's TSC reaches `tsc`; 0 if it has.
  uint64_t NsUntil(uint64_t tsc) const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace fv::vmm
