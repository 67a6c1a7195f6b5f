// SPDX-License-Identifier: Apache-2.0
//
// What is asked of a vCPU between two exits is not lost by the next entry.
#include "vmm/vcpu.h"

#include <gtest/gtest.h>

#include "vmm/testing/machine_test_base.h"
#include "vmm/testing/tiny_guests.h"

namespace fv::vmm {
namespace {

using testing::MachineTest;
using testing::RecordingPorts;

FV_TINY_GUEST(RingsTwice, "movq $1, (%rbx)\n movq $5, (%rbx)\n ud2")

// A machine that stands at its first doorbell.
class VcpuTest : public MachineTest {
 protected:
  void SetUp() override {
    MachineTest::SetUp();
    if (IsSkipped() || HasFatalFailure()) return;
    machine_.emplace(kvm(), testing::SmallConfig(kernel_, KernelRing::kRing3));
    RecordingPorts ports;
    ports.on_doorbell = [](proto::DoorbellReason, uint64_t) { return Next::kStop; };
    ASSERT_EQ(machine_->Run(ports).end, RunEnd::kStopped);
  }
  Vcpu& vcpu() { return machine_->vcpu(); }

 private:
  const std::vector<uint8_t> kernel_ = RingsTwice();
  std::optional<Machine> machine_;
};

TEST_F(VcpuTest, AllOfSregsOutlivesAnEntry) {
  vcpu().FinishExit();
  kvm_sregs sregs = vcpu().sregs();
  sregs.cr8 = 5;
  vcpu().SetSregs(sregs);
  vcpu().RequestExit();
  ASSERT_TRUE(std::holds_alternative<Interrupted>(vcpu().Run()));
  EXPECT_EQ(vcpu().sregs().cr8, 5u);
}

TEST_F(VcpuTest, FinishingAnExitKeepsARequest) {
  vcpu().RequestExit();
  vcpu().FinishExit();
  EXPECT_TRUE(std::holds_alternative<Interrupted>(vcpu().Run()));
  EXPECT_TRUE(std::holds_alternative<MmioWrite>(vcpu().Run())) << "once";
}

TEST_F(VcpuTest, FinishingAnExitIsNoRequest) {
  vcpu().FinishExit();
  vcpu().FinishExit();
  EXPECT_TRUE(std::holds_alternative<MmioWrite>(vcpu().Run()));
}

}  // namespace
}  // namespace fv::vmm
