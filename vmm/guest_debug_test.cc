// SPDX-License-Identifier: Apache-2.0
//
// The debugger's reading of the guest's IDT and stack, on a guest that has put anything there.
// Exits are made up; no guest code runs.
#include "vmm/guest_debug.h"

#include <gtest/gtest.h>

#include "vmm/testing/machine_test_base.h"
#include "vmm/testing/tiny_guests.h"

namespace fv::vmm {
namespace {

using testing::MachineTest;

FV_TINY_GUEST(NeverRuns, "ud2")

constexpr uint64_t kRamEnd = proto::kKernelBase + proto::kMinRamBytes;
constexpr uint64_t kIdt = proto::DirectMap(proto::kStubIdtPhys);
constexpr uint64_t kHandler = proto::DirectMap(proto::kStubTextPhys);
constexpr uint64_t kStack = proto::DirectMap(proto::kStubEndPhys);
constexpr uint64_t kDebugGate = proto::kStubIdtPhys + 16;  // of vector 1
// Not in RAM, or not with all that is to be read there.
constexpr uint64_t kWild[] = {0,
                              8,
                              proto::kKernelBase - 8,
                              kRamEnd - 8,
                              kRamEnd - 1,
                              kRamEnd,
                              ~uint64_t{0},
                              ~uint64_t{0} - 7,
                              0xFFFF800000000000,
                              kRamEnd - 39};

class RecordingDebugger : public DebugPort {
 public:
  bool HasBreakpoint(uint64_t address) override { return address == breakpoint; }
  Next OnStop(const DebugStop& stop) override {
    stops.push_back(stop.kind);
    return Next::kStop;
  }
  uint64_t breakpoint = 0;
  std::vector<DebugStop::Kind> stops;
};

class GuestDebugTest : public MachineTest {
 protected:
  void SetUp() override {
    MachineTest::SetUp();
    if (IsSkipped() || HasFatalFailure()) return;
    machine_.emplace(kvm(), testing::SmallConfig(kernel_, KernelRing::kRing3));
    debug_.emplace(machine_->vcpu(), machine_->memory(), GuestDebug::Traps::kByGates);
    debug_->SetPort(&port_);
    ASSERT_TRUE(
        machine_->memory().Store(kDebugGate, (kHandler & 0xffff) | (kHandler & 0xffff0000) << 32));
    ASSERT_TRUE(machine_->memory().Store(kDebugGate + 8, kHandler >> 32));
  }
  void SetIdt(uint64_t base) {
    kvm_sregs sregs = machine_->vcpu().sregs();
    sregs.idt.base = base;
    machine_->vcpu().SetSregs(sregs);
  }
  // The guest's #DB handler is reached with this RSP.
  std::optional<Next> ReachGate(uint64_t rsp) {
    kvm_regs regs = machine_->vcpu().regs();
    regs.rip = kHandler;
    regs.rsp = rsp;
    machine_->vcpu().SetRegs(regs);
    debug_->Arm(GuestDebug::Run::kOn, {});
    return debug_->OnExit(DebugException{1, kHandler, 0});
  }

  const std::vector<uint8_t> kernel_ = NeverRuns();
  std::optional<Machine> machine_;
  RecordingDebugger port_;
  std::optional<GuestDebug> debug_;
};

TEST_F(GuestDebugTest, AnIdtAnywhereIsNone) {
  for (const uint64_t base : kWild) {
    SetIdt(base);
    EXPECT_NO_THROW(debug_->Arm(GuestDebug::Run::kOn, {})) << std::hex << base;
    // What comes then is nobody's.
    EXPECT_EQ(debug_->OnExit(DebugException{1, kHandler, 0}), Next::kContinue);
  }
  EXPECT_TRUE(port_.stops.empty());
}

TEST_F(GuestDebugTest, AStackAnywhereIsTheGuestsOwnAffair) {
  SetIdt(kIdt);
  for (const uint64_t rsp : kWild) {
    EXPECT_EQ(ReachGate(rsp), Next::kContinue) << std::hex << rsp;
    EXPECT_EQ(machine_->vcpu().regs().rsp, rsp) << "untouched";
    // The step past the gate.
    EXPECT_EQ(debug_->OnExit(DebugException{1, kHandler + 1, 0}), Next::kContinue);
  }
  EXPECT_TRUE(port_.stops.empty());
}

TEST_F(GuestDebugTest, AFrameOfTheKernelIsTheGuestsOwnAffair) {
  SetIdt(kIdt);
  const uint64_t frame[] = {kHandler, FV_SEL_KERNEL_CODE, 2, 0, FV_SEL_KERNEL_DATA};
  ASSERT_TRUE(machine_->memory().Store(proto::kStubEndPhys, frame));
  port_.breakpoint = kHandler;
  EXPECT_EQ(ReachGate(kStack), Next::kContinue);
  EXPECT_TRUE(port_.stops.empty());
}

TEST_F(GuestDebugTest, ABreakpointPutsTheProgramBackWithNothingButItsOwn) {
  SetIdt(kIdt);
  // All the bits that a guest may make up.
  const uint64_t frame[] = {0x401000, ~uint64_t{0}, ~uint64_t{0}, ~uint64_t{0}, ~uint64_t{0}};
  ASSERT_TRUE(machine_->memory().Store(proto::kStubEndPhys, frame));
  port_.breakpoint = 0x401000;
  EXPECT_EQ(ReachGate(kStack), Next::kStop);
  EXPECT_EQ(port_.stops, std::vector{DebugStop::Kind::kBreakpoint});
  const kvm_sregs sregs = machine_->vcpu().sregs();
  EXPECT_EQ(sregs.cs.dpl, 3);
  EXPECT_EQ(sregs.ss.dpl, 3);
  EXPECT_EQ(sregs.cs.base, 0u);
  const kvm_regs regs = machine_->vcpu().regs();
  EXPECT_EQ(regs.rip, 0x401000u);
  EXPECT_EQ(regs.rsp, ~uint64_t{0});
}

}  // namespace
}  // namespace fv::vmm
