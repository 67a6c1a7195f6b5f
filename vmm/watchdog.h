// SPDX-License-Identifier: Apache-2.0
//
// Bounds a run. The kernel runs with interrupts off and user code with interrupts on, so a guest
// makes progress when it rings the doorbell or when it is seen with interrupts on. A short look now
// and then could always meet a busy kernel, so before it calls a guest stuck the watchdog asks for
// an interrupt window: KVM then reports the next return to user code without fail. A user program
// may therefore compute for as long as it likes, and a spinning kernel is found. A host with other
// work may leave the guest without a CPU: from the first doubt on it is the time for which the
// guest really ran that counts.
//
// Pure logic: times are CLOCK_MONOTONIC in ns, given by the caller.
#pragma once

#include <cstdint>
#include <optional>

namespace fv::vmm {

// Spin limit by the machine: kSpinLimitNs, longer where the kernel's ring is emulated.
inline constexpr uint64_t kSpinLimitAuto = ~uint64_t{0};
inline constexpr uint64_t kSpinLimitNs = 10'000'000'000;
inline constexpr uint64_t kEmulatedSpinLimitNs = 30 * kSpinLimitNs;

// Bounds of a run. 0 switches a bound off.
struct WatchdogConfig {
  // Longest time of one Run, in ns.
  uint64_t wall_limit_ns = 0;
  // Longest time the kernel may run without ringing the doorbell or going back to user code with
  // interrupts on, in ns.
  uint64_t spin_limit_ns = kSpinLimitAuto;
};

enum class Verdict {
  kFine,
  kAskWindow,  // no progress for a while: request an interrupt window
  kSpin,
  kWallLimit,
};

class Watchdog {
 public:
  Watchdog(const WatchdogConfig& config, uint64_t now_ns)
      : config_(config), start_ns_(now_ns), progress_ns_(now_ns) {}

  // The doorbell rang (now: after the port returned), or the guest was seen with interrupts on.
  void OnProgress(uint64_t now_ns) {
    progress_ns_ = now_ns;
    doubt_ns_.reset();
  }

  // `ns` passed in the host's own code (a port): not the guest's silence.
  void Exclude(uint64_t ns) { progress_ns_ += ns; }

  // Tells for how long the guest ran, in ns from anywhere; read in doubt only.
  using RunningClock = uint64_t (*)();
  // Called now and then, so that a doubt comes long before the verdict.
  Verdict Look(uint64_t now_ns, RunningClock running_ns);
  // Time until the wall limit, in ns; ~0 without one.
  uint64_t NsLeft(uint64_t now_ns) const;

 private:
  WatchdogConfig config_;
  uint64_t start_ns_;
  uint64_t progress_ns_;
  std::optional<uint64_t>
      doubt_ns_;  // the running clock at the first doubt since the last progress
};

}  // namespace fv::vmm
