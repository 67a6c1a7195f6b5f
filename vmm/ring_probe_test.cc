// SPDX-License-Identifier: Apache-2.0
//
// The probe must be clear, repeatable and cheap.
#include "vmm/ring_probe.h"

#include <gtest/gtest.h>

#include "vmm/testing/require_kvm.h"

namespace fv::vmm {
namespace {

using KvmTest = testing::KvmTest;

TEST_F(KvmTest, ProbeIsClearAndRepeatable) {
  const RingProbe first = ProbeRings(kvm());
  for (int i = 0; i < 5; ++i) {
    const RingProbe again = ProbeRings(kvm());
    EXPECT_EQ(again.ring0_emulated, first.ring0_emulated);
  }
  // A factor of two from the threshold on either side, or the answer is luck.
  if (first.ring0_emulated) {
    EXPECT_GT(first.cycles_per_iteration, 2 * kEmulatedCycles);
  } else {
    EXPECT_LT(first.cycles_per_iteration, kEmulatedCycles / 2);
  }
}

TEST_F(KvmTest, ExtendedStateIsConsistent) {
  const RingProbe probe = ProbeRings(kvm());
  if (probe.user_xcr0 == 0) {
    EXPECT_EQ(probe.user_xsave_bytes, 0u);
    return;
  }
  EXPECT_EQ(probe.user_xcr0 & 3, 3u) << "x87 and SSE are always there";
  EXPECT_GE(probe.user_xsave_bytes, (probe.user_xcr0 & 4) != 0 ? 832u : 576u);
  EXPECT_LT(probe.user_xsave_bytes, 16384u);
}

TEST_F(KvmTest, CachedProbeIsTheFirstOne) {
  const RingProbe first = CachedRingProbe(kvm());
  for (int i = 0; i < 1000; ++i) {
    ASSERT_EQ(CachedRingProbe(kvm()).cycles_per_iteration, first.cycles_per_iteration);
  }
}

}  // namespace
}  // namespace fv::vmm
