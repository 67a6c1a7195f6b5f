// SPDX-License-Identifier: Apache-2.0
//
// Time from the cycles that ReadTsc gives: a fixed-point multiplication, no division on the way
// (the kernel links no compiler runtime). The wall clock is the host's at boot plus what the TSC
// counted since.

#include "guest/arch/arch.h"
#include "guest/arch/cpu_state.h"

namespace fv::guest {
namespace {

constexpr uint64_t kNsPerMs = 1'000'000;
constexpr unsigned kShift = 32;

uint64_t boot_tsc;
uint64_t boot_wall_ns;
uint64_t ns_per_cycle;   // 32.32 fixed point
uint64_t cycles_per_ns;  // 32.32 fixed point

uint64_t Scale(uint64_t value, uint64_t factor) {
  return static_cast<uint64_t>(static_cast<unsigned __int128>(value) * factor >> kShift);
}

}  // namespace

void InitClock(const proto::BootInfo& boot) {
  boot_tsc = boot.boot_tsc;
  boot_wall_ns = boot.boot_wall_ns;
  ns_per_cycle = (kNsPerMs << kShift) / boot.tsc_khz;
  cycles_per_ns = (boot.tsc_khz << kShift) / kNsPerMs;
}

uint64_t NsOfTsc(uint64_t cycles) { return Scale(cycles, ns_per_cycle); }
uint64_t MonotonicNs() { return NsOfTsc(ReadTsc() - boot_tsc); }
uint64_t RealtimeNs() { return boot_wall_ns + MonotonicNs(); }
uint64_t TscOfMonotonic(uint64_t ns) { return boot_tsc + Scale(ns, cycles_per_ns); }

bool ClockIsVirtual() { return TheClock().is_virtual != 0; }

void AdvanceClockTo(uint64_t ns) {
  const uint64_t tsc = TscOfMonotonic(ns);
  if (TheClock().virtual_tsc < tsc) {
    TheClock().virtual_tsc = tsc;
  }
}

}  // namespace fv::guest
