// SPDX-License-Identifier: Apache-2.0
//
// Brackets KVM's reading of the guest's TSC between two of the host's.
#include "vmm/clock.h"

#include <x86intrin.h>

#include <ctime>

#include "vmm/cpu_state.h"

namespace fv::vmm {
namespace {

constexpr int kOffsetTries = 4;
constexpr uint64_t kMeasureNs = 10'000'000;

uint64_t ClockNs(clockid_t clock) {
  timespec now{};
  ::clock_gettime(clock, &now);
  return static_cast<uint64_t>(now.tv_sec) * 1'000'000'000 + static_cast<uint64_t>(now.tv_nsec);
}

// The narrowest bracket decides: least time for the thread to have been away in it.
uint64_t MeasureOffset(const Vcpu& vcpu) {
  uint64_t best_width = ~uint64_t{0};
  uint64_t offset = 0;
  for (int i = 0; i < kOffsetTries; ++i) {
    const uint64_t before = __rdtsc();
    const uint64_t guest = vcpu.ReadMsr(kMsrTsc);
    const uint64_t width = __rdtsc() - before;
    if (width < best_width) {
      best_width = width;
      offset = guest - (before + width / 2);
    }
    // An offset within the bracket is no offset: the guest reads the host's counter.
    if (guest >= before && guest - before <= width) return 0;
  }
  return offset;
}

}  // namespace

uint64_t MonotonicNs() { return ClockNs(CLOCK_MONOTONIC); }
uint64_t ThreadCpuNs() { return ClockNs(CLOCK_THREAD_CPUTIME_ID); }
uint64_t RealtimeNs() { return ClockNs(CLOCK_REALTIME); }
uint64_t HostTsc() { return __rdtsc(); }

uint64_t MeasureTscKhz() {
  const uint64_t start_ns = MonotonicNs();
  const uint64_t start = HostTsc();
  uint64_t now_ns;
  do {
    now_ns = MonotonicNs();
  } while (now_ns - start_ns < kMeasureNs);
  return (HostTsc() - start) * 1'000'000 / (now_ns - start_ns);
}

GuestClock::GuestClock(const Vcpu& vcpu) : tsc_khz_(vcpu.TscKhz()), offset_(MeasureOffset(vcpu)) {
  if (tsc_khz_ == 0) tsc_khz_ = MeasureTscKhz();
}

uint64_t GuestClock::Now() const { return __rdtsc() + offset_ + kernel_offset_; }
void GuestClock::SetNow(uint64_t tsc) { kernel_offset_ = tsc - (__rdtsc() + offset_); }

uint64_t NsBetween(uint64_t now_tsc, uint64_t tsc, uint64_t tsc_khz) {
  if (tsc <= now_tsc) return 0;
  // The deadline is the guest's: it may be anything, so the product is taken in 128 bits.
  const auto ns = static_cast<unsigned __int128>(tsc - now_tsc) * 1'000'000 / tsc_khz;
  constexpr uint64_t kLongest = uint64_t{1} << 62;
  return ns > kLongest ? kLongest : static_cast<uint64_t>(ns);
}

uint64_t GuestClock::NsUntil(uint64_t tsc) const { return NsBetween(Now(), tsc, tsc_khz_); }

}  // namespace fv::vmm
