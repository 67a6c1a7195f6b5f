// SPDX-License-Identifier: Apache-2.0
//
// Composition of a machine. Members are declared in the order in which they are built; teardown is
// the reverse, so the vCPU goes before the VM and the VM before the memory.
#include "vmm/machine.h"

#include <optional>

#include "proto/clock.h"
#include "proto/layout.h"
#include "vmm/boot_block.h"
#include "vmm/clock.h"
#include "vmm/cpu_state.h"
#include "vmm/cpuid.h"
#include "vmm/dirty_log.h"
#include "vmm/error.h"
#include "vmm/kicker.h"
#include "vmm/ring_probe.h"
#include "vmm/run_loop.h"
#include "vmm/snapshot/hash.h"
#include "vmm/snapshot/host_check.h"

namespace fv::vmm {
namespace {

struct RingChoice {
  unsigned ring;
  bool emulated;      // the chosen ring
  Xsave cpuid_xsave;  // in the guest's CPUID and CR4
  uint64_t xcr0;      // what the kernel saves; 0: FXSAVE
  uint64_t xsave_bytes;
  std::string reason;
};

RingChoice ChooseRing(const Kvm& kvm, const CpuFeatures& features, KernelRing wish) {
  const RingProbe probe = CachedRingProbe(kvm);
  const bool ring0 =
      wish == KernelRing::kRing0 || (wish == KernelRing::kAuto && !probe.ring0_emulated);
  RingChoice choice{};
  choice.ring = ring0 ? 0 : 3;
  choice.emulated = ring0 && probe.ring0_emulated;
  // XSAVE in ring 0 is beyond an emulator.
  choice.cpuid_xsave = features.xsave && !choice.emulated ? Xsave::kOffer : Xsave::kHide;
  if (!ring0) {
    choice.xcr0 = probe.user_xcr0;
    choice.xsave_bytes = probe.user_xcr0 != 0 ? probe.user_xsave_bytes : 0;
  } else if (choice.cpuid_xsave == Xsave::kOffer) {
    choice.xcr0 = features.xcr0;
    choice.xsave_bytes = features.xsave_bytes;
  }
  choice.reason = "ring " + std::to_string(choice.ring) + ": " +
                  (wish == KernelRing::kAuto ? "" : "asked for; ") + "ring 0 is " +
                  (probe.ring0_emulated ? "emulated" : "native") + " (" +
                  std::to_string(probe.cycles_per_iteration) +
                  " cycles for a loop of two instructions)";
  return choice;
}

// KVM hands over the extended state that the table names; and with the kernel in ring 3 of software
// KVM programs have all of the CPU's, whatever the table says.
Xsave CpuidXsave(const RingChoice& ring) {
  return ring.ring == 3 ? Xsave::kOffer : ring.cpuid_xsave;
}

// The ring of a machine that is made from a snapshot, on this host.
RingChoice RingOf(const Kvm& kvm, const Snapshot& snapshot) {
  if (const std::string reason = WhyNotHere(kvm, snapshot); !reason.empty()) {
    throw VmmError(VmmErrorKind::kBadConfig, "the snapshot cannot be used here: " + reason);
  }
  RingChoice choice{};
  choice.ring = snapshot.boot.kernel_ring;
  choice.emulated = choice.ring == 0 && snapshot.ring0_emulated;
  choice.reason = "ring " + std::to_string(choice.ring) + ": from a snapshot";
  return choice;
}

// A KVM that emulates ring 0 executes ring 3 natively, exceptions and all.
GuestDebug::Traps DebugTraps(const Kvm& kvm) {
  return CachedRingProbe(kvm).ring0_emulated ? GuestDebug::Traps::kByGates
                                             : GuestDebug::Traps::kByKvm;
}

CpuFeatures NeededFeatures(const Kvm& kvm) {
  const CpuFeatures features = ReadFeatures(kvm.supported_cpuid());
  if (!features.long_mode) {
    throw VmmError(VmmErrorKind::kTooOld,
                   "this host's KVM offers no 64-bit guest (long mode, SYSCALL, NX, SSE2)");
  }
  return features;
}

uint64_t CheckedRam(uint64_t ram_bytes, const CpuFeatures& features) {
  if (ram_bytes <= features.most_ram) return ram_bytes;
  throw VmmError(VmmErrorKind::kBadConfig, "guest memory of " + std::to_string(ram_bytes >> 20) +
                                               " MiB: this CPU can address " +
                                               std::to_string(features.most_ram >> 20) + " MiB");
}

WatchdogConfig WithSpinLimit(WatchdogConfig config, const RingChoice& ring) {
  if (config.spin_limit_ns == kSpinLimitAuto) {
    config.spin_limit_ns = ring.emulated ? kEmulatedSpinLimitNs : kSpinLimitNs;
  }
  return config;
}

DirtyLog::Reader AccountOf(LogReader reader) {
  return reader == LogReader::kOracle ? DirtyLog::Reader::kOracle : DirtyLog::Reader::kRecorder;
}

}  // namespace

struct Machine::State {
  State(const Kvm& kvm, const MachineConfig& config)
      : features(NeededFeatures(kvm)),
        ring(ChooseRing(kvm, features, CheckedConfig(config).kernel_ring)),
        cpuid(GuestCpuid(kvm.supported_cpuid(), CpuidXsave(ring))),
        memory(CheckedRam(config.ram_bytes, features), config.huge_pages),
        vm(kvm),
        vcpu(kvm, vm, cpuid),
        clock(vcpu),
        kicker(vcpu),
        dirty_log(vm, vcpu, memory),
        debug(vcpu, memory, DebugTraps(kvm)) {
    vm.MapMemory(memory);
    const BootBlock boot = WriteBootBlock(memory, config, Facts(config));
    boot_info = boot.info;
    SetInitialState(boot.entry_gva);
    MakeLoop(config.tick_ns, config.watchdog);
    Snapshot facts{};
    facts.kernel_id = HashBytes(config.kernel_image);
    facts.tick_ns = config.tick_ns;
    MakeRestorer(kvm, vcpu.sregs(), std::move(facts));
  }

  State(const Kvm& kvm, const std::shared_ptr<const Snapshot>& snapshot,
        const WatchdogConfig& watchdog)
      : features(NeededFeatures(kvm)),
        ring(RingOf(kvm, *snapshot)),
        cpuid(snapshot->cpuid),
        memory(snapshot->ram->MapPrivate()),
        vm(kvm),
        vcpu(kvm, vm, cpuid),
        clock(vcpu),
        kicker(vcpu),
        dirty_log(vm, vcpu, memory),
        debug(vcpu, memory, DebugTraps(kvm)),
        boot_info(snapshot->boot) {
    vm.MapMemory(memory);
    MakeLoop(snapshot->tick_ns, watchdog);
    const bool xsave = (snapshot->cpu.sregs.cr4 & kCr4Osxsave) != 0;
    kvm_sregs kernel_sregs =
        InitialCpuState({ring.ring, xsave, boot_info.kernel_root_gpa, 0}, features, vcpu.sregs())
            .sregs;
    kernel_sregs.cr4 = snapshot->cpu.sregs.cr4;
    Snapshot facts{};
    facts.kernel_id = snapshot->kernel_id;
    facts.tick_ns = snapshot->tick_ns;
    MakeRestorer(kvm, kernel_sregs, std::move(facts));
    Adopt(snapshot);
  }

  void MakeLoop(uint64_t tick_ns, const WatchdogConfig& watchdog) {
    loop.emplace(LoopParts{vcpu, memory, clock, kicker, dirty_log, debug},
                 LoopConfig{boot_info.channel_gpa, proto::DoorbellPhys(memory.size()), tick_ns,
                            WithSpinLimit(watchdog, ring)});
  }

  // What a file says of the vCPU may be anything: KVM judges it.
  void Adopt(const std::shared_ptr<const Snapshot>& snapshot) {
    try {
      restorer->Adopt(snapshot);
    } catch (const VmmError& error) {
      throw VmmError(VmmErrorKind::kBadConfig,
                     std::string("the snapshot cannot be used here: ") + error.what());
    }
    loop->set_tick(snapshot->tick);
  }

  void MakeRestorer(const Kvm& kvm, const kvm_sregs& kernel_sregs, Snapshot facts) {
    facts.boot = boot_info;
    facts.ring0_emulated = CachedRingProbe(kvm).ring0_emulated;
    facts.cpuid = cpuid;
    restorer.emplace(kvm, RestorerParts{vm, vcpu, memory, dirty_log, clock, kicker}, kernel_sregs,
                     std::move(facts));
  }

  BootFacts Facts(const MachineConfig& config) const {
    BootFacts facts{};
    facts.ring = ring.ring;
    if (ring.xcr0 == 0) facts.extra_flags |= proto::kBootFxsaveOnly;
    if (features.fsgsbase) facts.extra_flags |= proto::kBootFsgsbase;
    if (ring.ring == 0 && !ring.emulated) facts.extra_flags |= proto::kBootSysret;
    facts.time = BootTimeOf(config, {clock.tsc_khz(), clock.Now(), RealtimeNs()});
    facts.xsave_mask = ring.xcr0;
    facts.xsave_bytes = ring.xsave_bytes;
    facts.random_seed = SeedOf(config);
    return facts;
  }

  void SetInitialState(uint64_t entry_gva) {
    const bool set_osxsave = ring.cpuid_xsave == Xsave::kOffer;
    const CpuPlan plan{ring.ring, set_osxsave, boot_info.kernel_root_gpa, entry_gva};
    const CpuState state = InitialCpuState(plan, features, vcpu.sregs());
    vcpu.SetSregs(state.sregs);
    vcpu.SetRegs(state.regs);
    vcpu.SetMsrs(state.msrs);
    if (state.xcr0 != 0) vcpu.SetXcr0(state.xcr0);
  }

  CpuFeatures features;
  RingChoice ring;
  std::vector<kvm_cpuid_entry2> cpuid;
  GuestMemory memory;
  Vm vm;
  Vcpu vcpu;
  GuestClock clock;
  Kicker kicker;
  DirtyLog dirty_log;
  GuestDebug debug;
  proto::BootInfo boot_info{};
  std::optional<RunLoop> loop;
  std::optional<Restorer> restorer;
};

Machine::Machine(const Kvm& kvm, const MachineConfig& config)
    : state_(std::make_unique<State>(kvm, config)) {}

Machine::Machine(const Kvm& kvm, const std::shared_ptr<const Snapshot>& snapshot,
                 const WatchdogConfig& watchdog)
    : state_(std::make_unique<State>(kvm, snapshot, watchdog)) {}

Machine::~Machine() = default;

std::shared_ptr<const Snapshot> Machine::TakeSnapshot() {
  return state_->restorer->Take(state_->loop->tick());
}
RestoreStats Machine::Restore(const std::shared_ptr<const Snapshot>& snapshot) {
  const RestoreStats stats = state_->restorer->Restore(snapshot);
  state_->loop->set_tick(snapshot->tick);
  return stats;
}
StateDifference Machine::Compare(const Snapshot& snapshot) {
  return state_->restorer->Compare(snapshot);
}
Restorer& Machine::restorer() { return *state_->restorer; }

RunResult Machine::Run(Ports& ports) { return state_->loop->Run(ports); }
void Machine::Kick() { state_->kicker.Kick(); }
void Machine::RequestStop() { state_->loop->RequestStop(); }
IdleEnd Machine::WaitIdle(uint64_t wait_ns, std::span<const int> fds) {
  return state_->loop->WaitIdle(wait_ns, fds);
}

GuestMemory& Machine::memory() { return state_->memory; }
Vm& Machine::vm() { return state_->vm; }
Vcpu& Machine::vcpu() { return state_->vcpu; }
const proto::BootInfo& Machine::boot_info() const { return state_->boot_info; }
std::string Machine::Describe() const {
  return "KVM " + BackendName() + ", kernel in ring " + std::to_string(state_->ring.ring) + " (" +
         state_->ring.reason + ")";
}
std::optional<bool> Machine::InKernelCode() const {
  return state_->vcpu.regs().rip >= proto::kKernelBase;
}

KvmCounts Machine::Counts() const { return state_->vcpu.Counts(); }

std::string Machine::DumpRegisters() const { return state_->vcpu.DumpRegisters(); }
void Machine::StartDirtyLog(LogReader reader) { state_->dirty_log.Start(AccountOf(reader)); }
void Machine::TakeDirtyLog(LogReader reader, std::vector<uint64_t>& bitmap) {
  state_->dirty_log.Take(AccountOf(reader), bitmap);
}
void Machine::TellDirtyLog(LogReader reader, const LogWishes& wishes) {
  state_->dirty_log.Tell(AccountOf(reader), wishes);
}
const std::string& Machine::ring_reason() const { return state_->ring.reason; }
GuestDebug& Machine::debug() { return state_->debug; }
void Machine::SetGuestTsc(uint64_t tsc) {
  state_->clock.SetNow(tsc);
  (void)state_->memory.Store(proto::kClockPhys + offsetof(proto::ClockWords, tsc_offset),
                             state_->clock.kernel_offset());
}
uint64_t Machine::GuestTsc() const { return state_->clock.Now(); }
uint64_t Machine::NsUntil(uint64_t tsc) const { return state_->clock.NsUntil(tsc); }

}  // namespace fv::vmm
