// SPDX-License-Identifier: Apache-2.0
//
// What the whole-machine tests share: a small configuration, ports that record.
#pragma once

#include <functional>
#include <utility>
#include <vector>

#include "proto/layout.h"
#include "vmm/machine.h"
#include "vmm/testing/require_kvm.h"

namespace fv::vmm::testing {

// Records what the guest rings; stops at kDone and when `on_doorbell` says so.
class RecordingPorts : public Ports {
 public:
  struct Ring {
    proto::DoorbellReason reason;
    uint64_t argument;
  };

  Next OnDoorbell(proto::DoorbellReason reason, uint64_t argument) override {
    rings.push_back({reason, argument});
    if (on_doorbell) return on_doorbell(reason, argument);
    return reason == proto::DoorbellReason::kDone ? Next::kStop : Next::kContinue;
  }
  Next OnTick() override {
    ++ticks;
    return on_tick ? on_tick() : Next::kContinue;
  }

  std::vector<Ring> rings;
  uint64_t ticks = 0;
  std::function<Next(proto::DoorbellReason, uint64_t)> on_doorbell;
  std::function<Next()> on_tick;
};

// A machine of 16 MiB for `kernel`; bounded in time whatever the guest does.
inline MachineConfig SmallConfig(const std::vector<uint8_t>& kernel, KernelRing ring) {
  MachineConfig config;
  config.ram_bytes = proto::kMinRamBytes;
  config.kernel_image = kernel;
  config.argv = {"init"};
  config.kernel_ring = ring;
  config.watchdog.wall_limit_ns = 20'000'000'000;
  return config;
}

// Lets the guest take interrupts, which it starts without.
inline void EnableInterrupts(Machine& machine) {
  kvm_regs regs = machine.vcpu().regs();
  regs.rflags |= 0x200;
  machine.vcpu().SetRegs(regs);
}

class MachineTest : public KvmTest {
 protected:
  struct Outcome {
    RunResult result;
    RecordingPorts ports;
  };
  // Boots `kernel` in `ring` and runs it to its end.
  Outcome RunToEnd(const std::vector<uint8_t>& kernel, KernelRing ring,
                   const std::function<void(MachineConfig&)>& change = {}) {
    MachineConfig config = SmallConfig(kernel, ring);
    if (change) change(config);
    Machine machine(kvm(), config);
    Outcome outcome;
    outcome.result = machine.Run(outcome.ports);
    return outcome;
  }
};

}  // namespace fv::vmm::testing
