// SPDX-License-Identifier: Apache-2.0
//
// The machine's run loop: KVM_RUN, the exit's policy, then timer, tick, watchdog. How a run ends is
// a value. An exception is a port's, or a VmmError of a call that KVM refused, after which the
// machine must not run any more; the timer is disarmed on its way.
#pragma once

#include <atomic>
#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include "vmm/clock.h"
#include "vmm/dirty_log.h"
#include "vmm/exit_handler.h"
#include "vmm/guest_debug.h"
#include "vmm/guest_memory.h"
#include "vmm/idle.h"
#include "vmm/kicker.h"
#include "vmm/run_result.h"
#include "vmm/tick.h"
#include "vmm/vcpu.h"
#include "vmm/watchdog.h"

namespace fv::vmm {

// Period of OnTick and of the watchdog's look when tick_ns is 0.
inline constexpr uint64_t kHousekeepingNs = 100'000'000;

// What the loop works on; all outlive it.
struct LoopParts {
  Vcpu& vcpu;
  GuestMemory& memory;
  GuestClock& clock;
  Kicker& kicker;
  DirtyLog& dirty_log;
  GuestDebug& debug;
};

struct LoopConfig {
  uint64_t channel_gpa;
  uint64_t doorbell_gpa;
  uint64_t tick_ns;  // 0 = no tick
  WatchdogConfig watchdog;
};

class RunLoop {
 public:
  RunLoop(const LoopParts& parts, const LoopConfig& config) : parts_(parts), config_(config) {}

  RunResult Run(Ports& ports);
  // Whether the guest still has to get a tick: part of a machine's state.
  const Tick& tick() const { return tick_; }
  void set_tick(const Tick& tick) { tick_ = tick; }
  // Any thread, signal handlers too.
  void RequestStop();
  // Machine::WaitIdle.
  IdleEnd WaitIdle(uint64_t wait_ns, std::span<const int> fds);

 private:
  // The debugger sees an exit first, if there is one.
  HandledExit Handle(const Exit& exit, Ports& ports);
  // One exit's worth of work after the ports had their turn. A value ends the run.
  std::optional<RunResult> Dispatch(const HandledExit& handled, Ports& ports);
  std::optional<RunResult> AfterExit(ExitAction action);
  void UpdateTick(ExitAction action);
  RunResult Failure(RunEnd end, const std::string& what) const;

  LoopParts parts_;
  LoopConfig config_;
  std::atomic<bool> stop_requested_ = false;
  Tick tick_;
  std::optional<Watchdog> watchdog_;  // during Run
};

}  // namespace fv::vmm
