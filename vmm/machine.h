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
#include <vector>

#include "proto/boot_info.h"
#include "proto/channel.h"
#include "vmm/exit_handler.h"
#include "vmm/guest_memory.h"
#include "vmm/kvm.h"
#include "vmm/vcpu.h"
#include "vmm/vm.h"

namespace fv::vmm {

enum class KernelRing { kAuto, kRing0, kRing3 };

// Bounds of a run. 0 switches a bound off.
struct WatchdogConfig {
  // Longest time of one Run, in ns.
  uint64_t wall_limit_ns = 0;
  // Longest time the kernel may run without ringing the doorbell or going back to user code with
  // interrupts on, in ns. A user program may compute for as long as it likes.
  uint64_t spin_limit_ns = 10'000'000'000;
};

// Period of OnTick and of the watchdog's look when tick_ns is 0.
inline constexpr uint64_t kHousekeepingNs = 100'000'000;

struct MachineConfig {
  uint64_t ram_bytes = uint64_t{256} << 20;
  HugePages huge_pages = HugePages::kHostDefault;
  std::span<const uint8_t> kernel_image;  // ELF; read during construction only
  std::span<const uint8_t> initrd;        // cpio newc; read during construction only
  std::vector<std::string> argv;
  std::string exec_path;  // of the first program, absolute (BootInfo::exec_gpa); empty: argv[0]
  std::vector<std::string> envp;
  std::string cwd;  // empty: "/"
  KernelRing kernel_ring = KernelRing::kAuto;
  // proto::BootFlag: tty flags, kBootDeterministic, kBootSafepoints. The ring's own flags are
  // added by the machine.
  uint32_t boot_flags = 0;
  proto::ForkStrategy fork_strategy = proto::ForkStrategy::kClassic;
  uint32_t mutant = 0;
  uint64_t event_mask = 0;
  // Period of the guest's tick in ns; 0 = no tick (deterministic).
  uint64_t tick_ns = 4'000'000;
  uint32_t umask = 022;
  uint32_t console_columns = 0;
  uint32_t console_rows = 0;
  uint64_t random_seed = 0;   // 0: from getrandom(2)
  uint64_t boot_wall_ns = 0;  // 0: CLOCK_REALTIME
  WatchdogConfig watchdog;
};

enum class RunEnd {
  kStopped,     // a port said stop
  kKicked,      // Machine::RequestStop
  kGuestError,  // triple fault, unknown exit, wild access...: message has the registers
  kSpin,        // the kernel ran longer than spin_limit_ns: message has the registers
  kWallLimit,   // wall_limit_ns passed
};

struct RunResult {
  RunEnd end;
  std::string message;  // empty for kStopped and kKicked
};

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
