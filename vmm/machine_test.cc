// SPDX-License-Identifier: Apache-2.0
//
// Whole machines with guests of a few instructions: boot state in both kernel rings, the doorbell,
// and every way in which a guest can fail.
#include "vmm/machine.h"

#include <gtest/gtest.h>

#include <string>

#include "vmm/testing/machine_test_base.h"
#include "vmm/testing/tiny_guests.h"

namespace fv::vmm {
namespace {

using proto::DoorbellReason;
using testing::MachineTest;
using testing::RecordingPorts;

// Rings kDone (5) with (value << 8) for a value in RAX.
#define DONE_WITH_RAX "shl $8, %rax\n or $5, %rax\n mov %rax, (%rbx)\n 9: jmp 9b\n"

FV_TINY_GUEST(DoneWithCs, "xor %eax, %eax\n mov %cs, %ax\n" DONE_WITH_RAX)
FV_TINY_GUEST(DoneWithRflags, "mov $0x700000108000, %rsp\n pushfq\n pop %rax\n" DONE_WITH_RAX)
// Saves and restores what boot info names, and looks whether a YMM register survived: 1 if so.
FV_TINY_GUEST(SavesYmm, R"(
  mov 144(%rdi), %rax
  mov 148(%rdi), %edx
  movabs $0x700000105000, %rsi
  mov $0x5a5a5a5a, %ecx
  vmovd %ecx, %xmm7
  vpbroadcastd %xmm7, %ymm7
  xsave64 (%rsi)
  vzeroall
  mov 144(%rdi), %rax
  mov 148(%rdi), %edx
  xrstor64 (%rsi)
  vextracti128 $1, %ymm7, %xmm6
  vmovd %xmm6, %ecx
  xor %eax, %eax
  cmp $0x5a5a5a5a, %ecx
  sete %al
)" DONE_WITH_RAX)
FV_TINY_GUEST(DoneWithFsBase,
              "movabs $0x123456789a, %rcx\n wrfsbase %rcx\n rdfsbase %rax\n" DONE_WITH_RAX)
FV_TINY_GUEST(RingsThenDone, R"(
  movq $0x101, (%rbx)
  movq $0x202, (%rbx)
  mov $42, %eax
)" DONE_WITH_RAX)
FV_TINY_GUEST(InvalidOpcode, "ud2")
FV_TINY_GUEST(ReadsPageZero, "movabs $0x700000000000, %rax\n mov (%rax), %rax\n ud2")
FV_TINY_GUEST(WritesItsText, "lea (%rip), %rax\n movb $0, (%rax)\n mov $1, %eax\n" DONE_WITH_RAX)
FV_TINY_GUEST(ExecutesData, "movabs $0x700000104000, %rax\n jmp *%rax")
FV_TINY_GUEST(WritesBehindDoorbell, "movq $1, 8(%rbx)\n ud2")
FV_TINY_GUEST(WritesNarrow, "movl $1, (%rbx)\n ud2")
FV_TINY_GUEST(ReadsDoorbell, "mov (%rbx), %rax\n ud2")
FV_TINY_GUEST(UnknownReason, "movq $0x77, (%rbx)\n ud2")
FV_TINY_GUEST(PortOut, "mov $0x3f8, %dx\n out %al, %dx\n ud2")
FV_TINY_GUEST(Halts, "hlt\n ud2")

class MachineRingTest : public MachineTest, public ::testing::WithParamInterface<KernelRing> {
 protected:
  bool ring0() const { return GetParam() == KernelRing::kRing0; }
};

TEST_P(MachineRingTest, BootsInItsRing) {
  const Outcome outcome = RunToEnd(DoneWithCs(), GetParam());
  ASSERT_EQ(outcome.result.end, RunEnd::kStopped) << outcome.result.message;
  ASSERT_EQ(outcome.ports.rings.size(), 1u);
  EXPECT_EQ(outcome.ports.rings[0].argument, ring0() ? FV_SEL_KERNEL_CODE : FV_SEL_USER_CODE);
}

TEST_P(MachineRingTest, StartsWithInterruptsOffAndNoStack) {
  const std::vector<uint8_t> kernel = DoneWithRflags();
  Machine machine(kvm(), testing::SmallConfig(kernel, GetParam()));
  EXPECT_EQ(machine.vcpu().regs().rsp, 0u);
  RecordingPorts ports;
  const RunResult result = machine.Run(ports);
  ASSERT_EQ(result.end, RunEnd::kStopped) << result.message;
  // PUSHF in ring 3 shows the physical IF on software KVM: the virtual one is asked of KVM.
  EXPECT_EQ(ports.rings.at(0).argument & 0x3500, 0u) << "IOPL, DF, TF";
  EXPECT_FALSE(machine.vcpu().interrupts_enabled());
}

TEST_P(MachineRingTest, DoorbellsArriveInOrder) {
  const Outcome outcome = RunToEnd(RingsThenDone(), GetParam());
  ASSERT_EQ(outcome.result.end, RunEnd::kStopped) << outcome.result.message;
  EXPECT_TRUE(outcome.result.message.empty());
  const auto& rings = outcome.ports.rings;
  ASSERT_EQ(rings.size(), 3u);
  EXPECT_EQ(rings[0].reason, DoorbellReason::kDrain);
  EXPECT_EQ(rings[0].argument, 1u);
  EXPECT_EQ(rings[1].reason, DoorbellReason::kSafepoint);
  EXPECT_EQ(rings[1].argument, 2u);
  EXPECT_EQ(rings[2].reason, DoorbellReason::kDone);
  EXPECT_EQ(rings[2].argument, 42u);
}

TEST_P(MachineRingTest, RunsOnAfterAStop) {
  const std::vector<uint8_t> kernel = RingsThenDone();
  Machine machine(kvm(), testing::SmallConfig(kernel, GetParam()));
  RecordingPorts ports;
  ports.on_doorbell = [](DoorbellReason, uint64_t) { return Next::kStop; };
  for (size_t rings = 1; rings <= 3; ++rings) {
    ASSERT_EQ(machine.Run(ports).end, RunEnd::kStopped);
    ASSERT_EQ(ports.rings.size(), rings);
  }
}

struct FailingGuest {
  const char* name;
  std::vector<uint8_t> (*kernel)();
  const char* message;
};

void ExpectFailure(const RunResult& result, const char* message) {
  EXPECT_EQ(result.end, RunEnd::kGuestError);
  EXPECT_NE(result.message.find(message), std::string::npos) << result.message;
  EXPECT_NE(result.message.find("rip 0000700000"), std::string::npos) << result.message;
  EXPECT_NE(result.message.find("cr3 "), std::string::npos) << result.message;
}

TEST_P(MachineRingTest, FailuresEndTheRunWithARegisterDump) {
  // No IDT is filled in, so any exception becomes a triple fault.
  const FailingGuest guests[] = {
      {"InvalidOpcode", InvalidOpcode, "triple fault"},
      {"ReadsPageZero", ReadsPageZero, "triple fault"},
      {"WritesItsText", WritesItsText, "triple fault"},
      {"ExecutesData", ExecutesData, "triple fault"},
      {"WritesBehindDoorbell", WritesBehindDoorbell, "unbacked physical address 0x1000008"},
      {"WritesNarrow", WritesNarrow, "doorbell written with 4 bytes"},
      {"ReadsDoorbell", ReadsDoorbell, "read of 8 bytes"},
      {"UnknownReason", UnknownReason, "unknown reason 119"},
      {"PortOut", PortOut, ring0() ? "OUT to port 0x3f8" : "triple fault"},
      {"Halts", Halts, ring0() ? "halted" : "triple fault"},
  };
  for (const FailingGuest& guest : guests) {
    SCOPED_TRACE(guest.name);
    ExpectFailure(RunToEnd(guest.kernel(), GetParam()).result, guest.message);
  }
}

INSTANTIATE_TEST_SUITE_P(Rings, MachineRingTest,
                         ::testing::Values(KernelRing::kRing0, KernelRing::kRing3),
                         [](const auto& test) {
                           return test.param == KernelRing::kRing0 ? "Ring0" : "Ring3";
                         });

static_assert(offsetof(proto::BootInfo, xsave_mask) == 144);

TEST_F(MachineTest, Ring3SavesTheExtendedStateThatProgramsUse) {
  const std::vector<uint8_t> kernel = SavesYmm();
  Machine machine(kvm(), testing::SmallConfig(kernel, KernelRing::kRing3));
  const proto::BootInfo& info = machine.boot_info();
  ASSERT_EQ((info.flags & proto::kBootFxsaveOnly) != 0, info.xsave_mask == 0);
  if ((info.xsave_mask & 4) == 0) GTEST_SKIP() << "this CPU has no AVX";
  EXPECT_GE(info.xsave_bytes, 832u);
  RecordingPorts ports;
  const RunResult result = machine.Run(ports);
  ASSERT_EQ(result.end, RunEnd::kStopped) << result.message;
  EXPECT_EQ(ports.rings.at(0).argument, 1u);
}

TEST_F(MachineTest, Ring3MayWriteFsBase) {
  const Outcome fs = RunToEnd(DoneWithFsBase(), KernelRing::kRing3);
  ASSERT_EQ(fs.result.end, RunEnd::kStopped) << fs.result.message;
  EXPECT_EQ(fs.ports.rings.at(0).argument, 0x123456789Au);
}

TEST_F(MachineTest, AutoChoosesByTheProbeAndSaysWhy) {
  const std::vector<uint8_t> kernel = DoneWithCs();
  const Machine machine(kvm(), testing::SmallConfig(kernel, KernelRing::kAuto));
  const std::string& reason = machine.ring_reason();
  const bool emulated = reason.find("emulated") != std::string::npos;
  EXPECT_EQ(machine.boot_info().kernel_ring, emulated ? 3u : 0u) << reason;
  EXPECT_NE(reason.find("cycles"), std::string::npos) << reason;
}

TEST_F(MachineTest, BootsWithAnyAmountOfMemory) {
  for (uint64_t ram : {proto::kMinRamBytes, uint64_t{1} << 30, uint64_t{8} << 30,
                       (uint64_t{64} << 30) - proto::kHugePageBytes, proto::kMaxRamBytes}) {
    SCOPED_TRACE(ram);
    const Outcome outcome = RunToEnd(DoneWithCs(), KernelRing::kRing3,
                                     [ram](MachineConfig& config) { config.ram_bytes = ram; });
    ASSERT_EQ(outcome.result.end, RunEnd::kStopped) << outcome.result.message;
  }
}

TEST_F(MachineTest, RefusesConfigurationsThatContradictThemselves) {
  const auto kind_of = [this](const std::function<void(MachineConfig&)>& change) {
    try {
      RunToEnd(DoneWithCs(), KernelRing::kRing3, change);
    } catch (const VmmError& error) {
      return error.kind();
    }
    ADD_FAILURE() << "accepted";
    return VmmErrorKind::kSystem;
  };
  EXPECT_EQ(kind_of([](auto& c) { c.tick_ns = 10; }), VmmErrorKind::kBadConfig);
  EXPECT_EQ(kind_of([](auto& c) { c.argv.clear(); }), VmmErrorKind::kBadConfig);
  EXPECT_EQ(kind_of([](auto& c) { c.ram_bytes = 12345; }), VmmErrorKind::kBadConfig);
  EXPECT_EQ(kind_of([](auto& c) { c.kernel_image = {}; }), VmmErrorKind::kBadImage);
}

}  // namespace
}  // namespace fv::vmm
