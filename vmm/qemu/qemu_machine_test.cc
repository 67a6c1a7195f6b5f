// SPDX-License-Identifier: Apache-2.0
//
// Machines of QEMU with guests of a few instructions: the firmware brings about the very state that
// KVM would set, and every way in which a run ends is told apart.
#include "vmm/qemu/qemu_machine.h"

#include <gtest/gtest.h>

#include <cstring>
#include <string>
#include <thread>

#include "vmm/cpu_state.h"
#include "vmm/error.h"
#include "vmm/testing/machine_test_base.h"
#include "vmm/testing/require_qemu.h"
#include "vmm/testing/tiny_guests.h"

namespace fv::vmm::qemu {
namespace {

using proto::DoorbellReason;
using testing::QemuTest;
using testing::RecordingPorts;

// Words of the data page that ShowsState fills, in order.
struct Shown {
  uint64_t rsp, cr0, cr3, cr4, rdi, rflags, cs, ss, ds, fs, tr;
  uint64_t efer, star, lstar, sfmask, xcr0;
  uint16_t gdt_limit;
  uint8_t gdt_base[8];
  uint8_t padding[6];
};

// Kept in registers: RSI the data page. A doorbell of 5 is kDone.
FV_TINY_GUEST(ShowsState, R"(
  movabs $0x700000104000, %rsi
  mov %rsp, (%rsi)
  mov %cr0, %rax
  mov %rax, 8(%rsi)
  mov %cr3, %rax
  mov %rax, 16(%rsi)
  mov %cr4, %rax
  mov %rax, 24(%rsi)
  mov %rdi, 32(%rsi)
  lea 0x1000(%rsi), %rsp
  pushfq
  pop 40(%rsi)
  xor %eax, %eax
  mov %cs, %ax
  mov %rax, 48(%rsi)
  mov %ss, %ax
  mov %rax, 56(%rsi)
  mov %ds, %ax
  mov %rax, 64(%rsi)
  mov %fs, %ax
  mov %rax, 72(%rsi)
  str %ax
  mov %rax, 80(%rsi)
  mov $0xC0000080, %ecx
  rdmsr
  mov %eax, 88(%rsi)
  mov %edx, 92(%rsi)
  mov $0xC0000081, %ecx
  rdmsr
  mov %eax, 96(%rsi)
  mov %edx, 100(%rsi)
  inc %ecx
  rdmsr
  mov %eax, 104(%rsi)
  mov %edx, 108(%rsi)
  mov $0xC0000084, %ecx
  rdmsr
  mov %eax, 112(%rsi)
  mov %edx, 116(%rsi)
  testl $0x40000, 24(%rsi)
  jz 1f
  xor %ecx, %ecx
  xgetbv
  mov %eax, 120(%rsi)
1:
  sgdt 128(%rsi)
  movq $5, (%rbx)
  9: jmp 9b
)")
FV_TINY_GUEST(Spins, "1: jmp 1b")
FV_TINY_GUEST(InvalidOpcode, "ud2")
FV_TINY_GUEST(UnknownReason, "movq $0x77, (%rbx)\n 1: jmp 1b")
// Rings kDrain and waits as the kernel does, then kDone.
FV_TINY_GUEST(RingsTwice, R"(
  movq $0x101, (%rbx)
  out %al, $0xE9
  1: cmpq $0, (%rbx)
  jne 1b
  movq $0x205, (%rbx)
  out %al, $0xE9
  9: jmp 9b
)")

// `kernel` has to outlive the machine's construction.
QemuConfig Config(const std::vector<uint8_t>& kernel, CpuModel cpu = CpuModel::kFull) {
  QemuConfig config;
  config.machine = testing::SmallConfig(kernel, KernelRing::kAuto);
  config.cpu = cpu;
  return config;
}

class QemuStateTest : public QemuTest, public ::testing::WithParamInterface<CpuModel> {};

TEST_P(QemuStateTest, FirmwareBringsTheInitialStateAbout) {
  QemuMachine machine(Config(ShowsState(), GetParam()));
  RecordingPorts ports;
  ASSERT_EQ(machine.Run(ports).end, RunEnd::kStopped);
  const auto shown = machine.memory().Load<Shown>(proto::PhysOfDirectMap(testing::kTinyData));
  ASSERT_TRUE(shown);
  const CpuFeatures features = FeaturesOf(GetParam());
  const proto::BootInfo& boot = machine.boot_info();
  const CpuState state =
      InitialCpuState({0, features.xsave, boot.kernel_root_gpa, 0}, features, kvm_sregs{});
  EXPECT_EQ(shown->rsp, 0u);
  EXPECT_EQ(shown->cr0, state.sregs.cr0);
  EXPECT_EQ(shown->cr4, state.sregs.cr4);
  EXPECT_EQ(shown->rdi, state.regs.rdi);
  constexpr uint64_t kArithmetic = 0x8D5;  // the guest has added since
  EXPECT_EQ(shown->rflags & ~kArithmetic, state.regs.rflags);
  EXPECT_EQ(shown->cs, state.sregs.cs.selector);
  EXPECT_EQ(shown->ss, state.sregs.ss.selector);
  EXPECT_EQ(shown->ds, state.sregs.ds.selector);
  EXPECT_EQ(shown->fs, state.sregs.fs.selector);
  EXPECT_EQ(shown->tr, state.sregs.tr.selector);
  EXPECT_EQ(shown->efer, state.sregs.efer);
  EXPECT_EQ(shown->xcr0, state.xcr0);
  EXPECT_EQ(shown->gdt_limit, state.sregs.gdt.limit);
  uint64_t gdt_base = 0;
  std::memcpy(&gdt_base, shown->gdt_base, sizeof(gdt_base));
  EXPECT_EQ(gdt_base, state.sregs.gdt.base);
  for (const kvm_msr_entry& msr : state.msrs) {
    if (msr.index == kMsrStar) EXPECT_EQ(shown->star, msr.data);
    if (msr.index == kMsrLstar) EXPECT_EQ(shown->lstar, msr.data);
    if (msr.index == kMsrSfmask) EXPECT_EQ(shown->sfmask, msr.data);
  }
}

INSTANTIATE_TEST_SUITE_P(Cpus, QemuStateTest, ::testing::Values(CpuModel::kFull, CpuModel::kPlain));

class QemuMachineTest : public QemuTest {};

TEST_F(QemuMachineTest, TheGuestWaitsForEachAnswer) {
  QemuMachine machine(Config(RingsTwice()));
  RecordingPorts ports;
  EXPECT_EQ(machine.Run(ports).end, RunEnd::kStopped);
  ASSERT_EQ(ports.rings.size(), 2u);
  EXPECT_EQ(ports.rings[0].reason, DoorbellReason::kDrain);
  EXPECT_EQ(ports.rings[0].argument, 1u);
  EXPECT_EQ(ports.rings[1].reason, DoorbellReason::kDone);
  EXPECT_EQ(ports.rings[1].argument, 2u);
}

TEST_F(QemuMachineTest, OneKickIsOneEndOfAWait) {
  QemuMachine machine(Config(RingsTwice()));
  RecordingPorts ports;
  ports.on_doorbell = [&](DoorbellReason reason, uint64_t) {
    if (reason == DoorbellReason::kDone) return Next::kStop;
    for (int round = 0; round < 200 && !HasFailure(); ++round) {
      std::thread kicker([&] { machine.Kick(); });
      EXPECT_EQ(machine.WaitIdle(kNoDeadline, {}), IdleEnd::kSignal);
      kicker.join();
      EXPECT_EQ(machine.WaitIdle(0, {}), IdleEnd::kDeadline) << "round " << round;
    }
    return Next::kContinue;
  };
  EXPECT_EQ(machine.Run(ports).end, RunEnd::kStopped);
  EXPECT_EQ(ports.rings.size(), 2u);
}

TEST_F(QemuMachineTest, ATripleFaultShowsTheRegisters) {
  QemuMachine machine(Config(InvalidOpcode()));
  RecordingPorts ports;
  const RunResult result = machine.Run(ports);
  EXPECT_EQ(result.end, RunEnd::kGuestError);
  EXPECT_NE(result.message.find("RIP="), std::string::npos) << result.message;
}

TEST_F(QemuMachineTest, AnUnknownReasonIsAnError) {
  QemuMachine machine(Config(UnknownReason()));
  RecordingPorts ports;
  const RunResult result = machine.Run(ports);
  EXPECT_EQ(result.end, RunEnd::kGuestError);
  EXPECT_NE(result.message.find("unknown reason 119"), std::string::npos) << result.message;
}

TEST_F(QemuMachineTest, StopsOnRequestAndGoesOn) {
  QemuMachine machine(Config(Spins()));
  RecordingPorts ports;
  ports.on_tick = [&] {
    if (ports.ticks == 2) machine.RequestStop();
    return ports.ticks == 4 ? Next::kStop : Next::kContinue;
  };
  EXPECT_EQ(machine.Run(ports).end, RunEnd::kKicked);
  EXPECT_EQ(machine.Run(ports).end, RunEnd::kStopped);
  EXPECT_EQ(ports.ticks, 4u);
}

TEST_F(QemuMachineTest, TheWallLimitEndsASpin) {
  const std::vector<uint8_t> kernel = Spins();
  QemuConfig config = Config(kernel);
  config.machine.watchdog.wall_limit_ns = 50'000'000;
  QemuMachine machine(config);
  RecordingPorts ports;
  EXPECT_EQ(machine.Run(ports).end, RunEnd::kWallLimit);
}

TEST_F(QemuMachineTest, TheWatchdogEndsAKernelThatSpins) {
  const std::vector<uint8_t> kernel = Spins();
  QemuConfig config = Config(kernel);
  config.machine.watchdog.spin_limit_ns = 50'000'000;
  QemuMachine machine(config);
  RecordingPorts ports;
  EXPECT_EQ(machine.Run(ports).end, RunEnd::kSpin);
}

// The guest names its record of CPUs; ticks counted there would be progress.
TEST_F(QemuMachineTest, ARecordOfCpusAnywhereHurtsNobody) {
  const std::vector<uint8_t> kernel = Spins();
  QemuConfig config = Config(kernel);
  config.machine.watchdog.spin_limit_ns = 50'000'000;
  constexpr uint64_t kRamEnd = proto::kKernelBase + proto::kMinRamBytes;
  for (const uint64_t cpus : {uint64_t{8}, proto::kKernelBase - 8, kRamEnd - 8, ~uint64_t{0}}) {
    QemuMachine machine(config);
    ASSERT_TRUE(
        machine.memory().Store(machine.channel_gpa() + offsetof(proto::ChannelHeader, cpus), cpus));
    RecordingPorts ports;
    EXPECT_EQ(machine.Run(ports).end, RunEnd::kSpin) << std::hex << cpus;
  }
}

// Does not need QEMU.
TEST(QemuStartTest, WhatCannotStartIsTold) {
  const auto kind_of = [](const QemuConfig& config) {
    try {
      QemuMachine machine(config);
    } catch (const VmmError& error) {
      return error.kind();
    }
    ADD_FAILURE() << "it started";
    return VmmErrorKind::kSystem;
  };
  const std::vector<uint8_t> kernel = Spins();
  QemuConfig config = Config(kernel);
  config.program = "/no/such/qemu";
  EXPECT_EQ(kind_of(config), VmmErrorKind::kNoDevice);
  config.program = "/bin/true";
  EXPECT_EQ(kind_of(config), VmmErrorKind::kNoDevice);
  config = Config(kernel);
  config.machine.kernel_ring = KernelRing::kRing3;
  EXPECT_EQ(kind_of(config), VmmErrorKind::kBadConfig);
  config = Config(kernel);
  config.machine.ram_bytes = kMaxQemuRamBytes + proto::kHugePageBytes;
  EXPECT_EQ(kind_of(config), VmmErrorKind::kBadConfig);
}

}  // namespace
}  // namespace fv::vmm::qemu
