// SPDX-License-Identifier: Apache-2.0
//
// The guest's time-stamp counter seen from the host: guest TSC = host TSC + offset, both at the
// same rate (the machine never asks KVM to scale it); and the kernel's time, which a restored
// snapshot moves.
#pragma once

#include <cstdint>

#include "vmm/vcpu.h"

namespace fv::vmm {

// CLOCK_MONOTONIC and CLOCK_REALTIME in ns.
uint64_t MonotonicNs();
uint64_t RealtimeNs();
// For how long the calling thread has run, guest code included, in ns.
uint64_t ThreadCpuNs();
// The host's time-stamp counter, and how fast it counts (measured for 10 ms).
uint64_t HostTsc();
uint64_t MeasureTscKhz();
// ns until a counter that shows `now_tsc` reaches `tsc`, which may be any number; 0 if it has.
uint64_t NsBetween(uint64_t now_tsc, uint64_t tsc, uint64_t tsc_khz);

class GuestClock {
 public:
  // Measures the offset (to about a microsecond) and the rate. Throws VmmError.
  explicit GuestClock(const Vcpu& vcpu);

  uint64_t tsc_khz() const { return tsc_khz_; }
  // The kernel's time (proto/clock.h): the guest's counter plus kernel_offset().
  uint64_t Now() const;
  // Chooses kernel_offset() so that it is `tsc` now.
  void SetNow(uint64_t tsc);
  uint64_t kernel_offset() const { return kernel_offset_; }
  // ns until the guest's TSC reaches `tsc`; 0 if it has.
  uint64_t NsUntil(uint64_t tsc) const;

 private:
  uint64_t tsc_khz_;
  uint64_t offset_;
  uint64_t kernel_offset_ = 0;
};

}  // namespace fv::vmm
