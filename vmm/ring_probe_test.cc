// SPDX-License-Identifier: Apache-2.0
//
// The probe must be clear, repeatable and cheap.
#include "vmm/ring_probe.h"

#include <gtest/gtest.h>

#include "vmm/clock.h"
#include "vmm/testing/require_kvm.h"

namespace fv::vmm {
namespace {

using KvmTest = testing::KvmTest;

TEST_F(KvmTest, ProbeIsClearAndRepeatable) {
  const RingProbe first = ProbeRing0(kvm());
  for (int i = 0; i < 5; ++i) {
    const RingProbe again = ProbeRing0(kvm());
    EXPECT_EQ(again.ring0_emulated, first.ring0_emulated);
  }
  // A factor of two from the threshold on either side, or the answer is luck.
  if (first.ring0_emulated) {
    EXPECT_GT(first.cycles_per_iteration, 2 * kEmulatedCycles);
  } else {
    EXPECT_LT(first.cycles_per_iteration, kEmulatedCycles / 2);
  }
}

TEST_F(KvmTest, CachedProbeCostsNothing) {
  const RingProbe first = CachedRingProbe(kvm());
  const uint64_t start = MonotonicNs();
  for (int i = 0; i < 1000; ++i) {
    ASSERT_EQ(CachedRingProbe(kvm()).cycles_per_iteration, first.cycles_per_iteration);
  }
  EXPECT_LT(MonotonicNs() - start, 50'000'000u);
}

}  // namespace
}  // namespace fv::vmm
