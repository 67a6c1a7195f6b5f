// SPDX-License-Identifier: Apache-2.0
//
// Which of the MSRs that some KVM lists are state. No KVM.
#include "vmm/snapshot/vcpu_state.h"

#include <gtest/gtest.h>

namespace fv::vmm {
namespace {

TEST(StateMsrTest, TimeIsNoState) {
  for (const uint32_t msr : {0x10u, 0x3Bu, 0x6E0u}) EXPECT_FALSE(IsStateMsr(msr)) << msr;
}

TEST(StateMsrTest, WhatAHypervisorOffersIsNoState) {
  for (const uint32_t msr : {0x11u, 0x12u, 0x4B564D00u, 0x4B564D07u}) {
    EXPECT_FALSE(IsStateMsr(msr)) << "of KVM: " << msr;
  }
  // The operating system's id, the vCPU's run time, the reference time, the crash control.
  for (const uint32_t msr : {0x40000000u, 0x40000010u, 0x40000020u, 0x40000105u}) {
    EXPECT_FALSE(IsStateMsr(msr)) << "of Hyper-V: " << msr;
  }
}

TEST(StateMsrTest, WhatAGuestSetsIsState) {
  // SYSENTER, PAT, EFER's neighbours STAR, LSTAR and SFMASK, the bases, MISC_ENABLE.
  for (const uint32_t msr : {0x174u, 0x277u, 0xC0000081u, 0xC0000082u, 0xC0000084u, 0xC0000102u,
                             0x1A0u, 0x3FFFFFFFu, 0x40000200u}) {
    EXPECT_TRUE(IsStateMsr(msr)) << msr;
  }
}

}  // namespace
}  // namespace fv::vmm
