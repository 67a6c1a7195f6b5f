// SPDX-License-Identifier: Apache-2.0
//
// Decides when the guest gets its tick (vector proto FV_VECTOR_TICK). A tick becomes due when the
// host's timer fires while the guest wants ticks, its earliest timer has passed, or commands wait
// for it; it stays due, however often the guest cannot take it, until it is injected or the guest
// idles (an idle kernel looks at its timers and commands itself). Pure logic, no KVM.
#pragma once

#include <cstdint>

namespace fv::vmm {

// The words of ChannelHeader that decide, each copied once.
struct TickWishes {
  uint64_t tick_wanted;
  uint64_t timer_deadline_tsc;  // 0 = none
  bool commands_wait;           // the guest has not taken in all: ^C must reach one that spins
};

class Tick {
 public:
  Tick() = default;
  static Tick Due() {
    Tick tick;
    tick.due_ = true;
    return tick;
  }
  // The host's timer fired at `now_tsc` (guest TSC).
  void OnTimer(const TickWishes& wishes, uint64_t now_tsc) {
    const bool timer_due = wishes.timer_deadline_tsc != 0 && now_tsc >= wishes.timer_deadline_tsc;
    if (wishes.tick_wanted != 0 || timer_due || wishes.commands_wait) due_ = true;
  }
  void OnInjected() { due_ = false; }
  void OnIdle() { due_ = false; }
  bool due() const { return due_; }

 private:
  bool due_ = false;
};

}  // namespace fv::vmm
