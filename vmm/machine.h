// SPDX-License-Identifier: Apache-2.0
//
// A bootable machine on KVM: RAM with kernel image, boot tables, channel, arguments and root file
// system in it, one vCPU in its initial state, the tick and the watchdog. This is what the rest of
// the program uses; the other headers of vmm/ are its parts. It knows nothing of tasks.
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
#include <vector>

#include "proto/boot_info.h"
#include "proto/channel.h"
#include "vmm/exit_handler.h"
#include "vmm/guest_debug.h"
#include "vmm/guest_memory.h"
#include "vmm/idle.h"
#include "vmm/kvm.h"
#include "vmm/machine_config.h"
#include "vmm/machine_interface.h"
#include "vmm/run_loop.h"
#include "vmm/snapshot/restorer.h"
#include "vmm/snapshot/snapshot.h"
#include "vmm/vcpu.h"
#include "vmm/vm.h"

namespace fv::vmm {

class Machine final : public MachineInterface {
 public:
  // Throws VmmError. Nothing runs yet, except the ring probe with KernelRing::kAuto.
  Machine(const Kvm& kvm, const MachineConfig& config);
  // A machine that goes on where `snapshot` was taken; its memory is the snapshot's until it is
  // written. Throws VmmError, kBadConfig with the reason if this host cannot.
  Machine(const Kvm& kvm, const std::shared_ptr<const Snapshot>& snapshot,
          const WatchdogConfig& watchdog);
  ~Machine() override;
  Machine(const Machine&) = delete;
  Machine& operator=(const Machine&) = delete;

  // The thread that calls owns the vCPU for that time; the machine's timer signal (kicker.h) may
  // interrupt slow system calls made in ports (handlers use SA_RESTART).
  RunResult Run(Ports& ports) override;
  void Kick() override;
  void RequestStop() override;

  using MachineInterface::memory;
  GuestMemory& memory() override;
  Vm& vm();
  Vcpu& vcpu();

  IdleEnd WaitIdle(uint64_t wait_ns, std::span<const int> fds) override;

  const proto::BootInfo& boot_info() const override;
  std::string Describe() const override;
  std::optional<bool> InKernelCode() const override;
  KvmCounts Counts() const override;
  std::string DumpRegisters() const override;
  void StartDirtyLog(LogReader reader) override;
  void TakeDirtyLog(LogReader reader, std::vector<uint64_t>& bitmap) override;
  void TellDirtyLog(LogReader reader, const LogWishes& wishes) override;
  // The ring that was chosen, and why, for -v: "ring 3: ring 0 is emulated (2100 cycles ...)".
  const std::string& ring_reason() const;

  // What the machine is now; in a port or between two runs. Throws VmmError.
  std::shared_ptr<const Snapshot> TakeSnapshot();
  // Between two runs: becomes what it was. `snapshot` is one that this machine took, or the one
  // that it was made from. Throws VmmError; the machine cannot be run then.
  RestoreStats Restore(const std::shared_ptr<const Snapshot>& snapshot);
  // Right after Restore: what is not as in `snapshot`. Every byte and register is compared.
  StateDifference Compare(const Snapshot& snapshot);
  // For benchmarks and tests: how a restore is done.
  Restorer& restorer();

  // For a debugger.
  GuestDebug& debug();
  // The kernel's time goes on from `tsc`, as GuestTsc gave it: after a stop that the guest is not
  // to see. While the guest stands still.
  void SetGuestTsc(uint64_t tsc);

  uint64_t GuestTsc() const override;
  uint64_t NsUntil(uint64_t tsc) const override;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace fv::vmm
