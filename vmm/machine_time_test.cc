// SPDX-License-Identifier: Apache-2.0
//
// Time and control: ticks, kicks, watchdog, idle wait, dirty log, and a guest that scribbles over
// everything it shares.
#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <string>
#include <thread>

#include "vmm/clock.h"
#include "vmm/machine.h"
#include "vmm/testing/machine_test_base.h"
#include "vmm/testing/tiny_guests.h"

namespace fv::vmm {
namespace {

using proto::ChannelHeader;
using proto::DoorbellReason;
using testing::MachineTest;
using testing::RecordingPorts;

static_assert(offsetof(ChannelHeader, tick_wanted) == 272);
static_assert(offsetof(ChannelHeader, timer_deadline_tsc) == 280);

constexpr uint64_t kMs = 1'000'000;

FV_TINY_GUEST(Spins, "1: jmp 1b")
// Counts down in RCX, then done.
FV_TINY_GUEST(Computes, "movabs $3000000000, %rcx\n 1: dec %rcx\n jnz 1b\n movq $5, (%rbx)\n ud2")
FV_TINY_GUEST(DrainsForEver, "1: movq $1, (%rbx)\n jmp 1b")
FV_TINY_GUEST(IdlesOnce, "movq $3, (%rbx)\n movq $5, (%rbx)\n ud2")
FV_TINY_GUEST(DoneWithTsc,
              "rdtsc\n shl $32, %rdx\n or %rdx, %rax\n shl $8, %rax\n or $5, %rax\n"
              "mov %rax, (%rbx)\n ud2")
FV_TINY_GUEST(ScribblesOverChannel, R"(
  mov %rbp, %rcx
  lea 4096(%rbp), %rdx
1: movabs $0xDEADBEEFCAFEF00D, %rax
  add %rcx, %rax
  mov %rax, (%rcx)
  add $8, %rcx
  cmp %rdx, %rcx
  jne 1b
  movq $1, (%rbx)
  mov %rbp, %rcx
  jmp 1b
)")
// Writes one byte at 8 MiB and one at 10 MiB + 4 KiB, rings, then one at 9 MiB, rings.
FV_TINY_GUEST(WritesThreePages, R"(
  movq $1, (%rbx)
  movabs $0x700000800000, %rax
  movb $1, (%rax)
  movabs $0x700000a01000, %rax
  movb $1, (%rax)
  movq $1, (%rbx)
  movabs $0x700000900000, %rax
  movb $1, (%rax)
  movq $1, (%rbx)
  movq $5, (%rbx)
  ud2
)")
// Fills GDT, TSS and the gate of vector 32, tells the host what it wishes (RSI, RDX: tick_wanted
// and the deadline in cycles from now), rings kDrain, and computes with whatever IF it is given.
// The tick's handler counts in the data page, keeps the kernel in ring 0, and ends after 5 ticks.
#define TICKING(wishes) \
  R"(
  movabs $0x700000101000, %rax
  movabs $0x00af9b000000ffff, %rcx
  mov %rcx, 0x10(%rax)
  movabs $0x00cf93000000ffff, %rcx
  mov %rcx, 0x18(%rax)
  movabs $0x00cff3000000ffff, %rcx
  mov %rcx, 0x28(%rax)
  movabs $0x00affb000000ffff, %rcx
  mov %rcx, 0x30(%rax)
  movabs $0x70000010b000, %rcx
  mov %rcx, 0x804(%rax)
  movabs $0x700000102000, %rax
  lea 7f(%rip), %rcx
  mov %cx, 0x200(%rax)
  movw $0x10, 0x202(%rax)
  movw $0x8e00, 0x204(%rax)
  shr $16, %rcx
  mov %cx, 0x206(%rax)
  shr $16, %rcx
  mov %ecx, 0x208(%rax)
  movabs $0x70000010a000, %rsp
  movabs $0x700000104000, %r15
)" wishes R"(
  movq $1, (%rbx)
1: incq 8(%r15)
  jmp 1b
7: incq (%r15)
  cmpq $5, (%r15)
  jne 8f
  movq $5, (%rbx)
8: iretq
)"
FV_TINY_GUEST(TicksWanted, TICKING("movq $1, 272(%rbp)\n"))
FV_TINY_GUEST(TicksUnwanted, TICKING(""))
// A deadline 20 M cycles ahead, which nobody moves on: due at every timer from then on.
FV_TINY_GUEST(TicksByDeadline, TICKING("rdtsc\n shl $32, %rdx\n or %rdx, %rax\n"
                                       "add $20000000, %rax\n mov %rax, 280(%rbp)\n"))

void EnableInterrupts(Machine& machine) {
  kvm_regs regs = machine.vcpu().regs();
  regs.rflags |= 0x200;
  machine.vcpu().SetRegs(regs);
}

uint64_t TicksTaken(const Machine& machine) {
  return *machine.memory().Load<uint64_t>(proto::kStubEndPhys);
}

// Boots a TICKING guest in ring 3; interrupts go on at its first doorbell.
struct TickRun {
  TickRun(const Kvm& kvm, const std::vector<uint8_t>& kernel, uint64_t tick_ns) {
    MachineConfig config = testing::SmallConfig(kernel, KernelRing::kRing3);
    config.tick_ns = tick_ns;
    machine.emplace(kvm, config);
    ports.on_doorbell = [](DoorbellReason, uint64_t) { return Next::kStop; };
    first = machine->Run(ports);
    EnableInterrupts(*machine);
  }
  std::optional<Machine> machine;
  RecordingPorts ports;
  RunResult first;
};

TEST_F(MachineTest, GuestThatWantsTicksGetsThem) {
  TickRun run(kvm(), TicksWanted(), 2 * kMs);
  ASSERT_EQ(run.first.end, RunEnd::kStopped) << run.first.message;
  const uint64_t start = MonotonicNs();
  const RunResult result = run.machine->Run(run.ports);
  ASSERT_EQ(result.end, RunEnd::kStopped) << result.message;
  EXPECT_EQ(TicksTaken(*run.machine), 5u);
  EXPECT_GE(MonotonicNs() - start, 8 * kMs) << "five ticks of 2 ms";
}

TEST_F(MachineTest, GuestThatWantsNoTicksGetsNone) {
  TickRun run(kvm(), TicksUnwanted(), 2 * kMs);
  run.ports.ticks = 0;
  run.ports.on_tick = [&run] { return run.ports.ticks == 20 ? Next::kStop : Next::kContinue; };
  const RunResult result = run.machine->Run(run.ports);
  ASSERT_EQ(result.end, RunEnd::kStopped) << result.message;
  EXPECT_EQ(run.ports.ticks, 20u) << "the host has its ticks";
  EXPECT_EQ(TicksTaken(*run.machine), 0u);
}

TEST_F(MachineTest, TimerThatPassedGivesATick) {
  TickRun run(kvm(), TicksByDeadline(), 2 * kMs);
  const uint64_t deadline = *run.machine->memory().Load<uint64_t>(
      run.machine->channel_gpa() + offsetof(ChannelHeader, timer_deadline_tsc));
  ASSERT_LT(run.machine->GuestTsc(), deadline);
  const RunResult result = run.machine->Run(run.ports);
  ASSERT_EQ(result.end, RunEnd::kStopped) << result.message;
  EXPECT_EQ(TicksTaken(*run.machine), 5u);
  EXPECT_GE(run.machine->GuestTsc(), deadline) << "no tick before the deadline";
}

TEST_F(MachineTest, TickWaitsForInterruptsToBeOn) {
  MachineConfig config;
  const std::vector<uint8_t> kernel = TicksWanted();
  config = testing::SmallConfig(kernel, KernelRing::kRing3);
  config.tick_ns = 2 * kMs;
  Machine machine(kvm(), config);
  RecordingPorts ports;
  ports.on_tick = [&ports] { return ports.ticks == 20 ? Next::kStop : Next::kContinue; };
  ASSERT_EQ(machine.Run(ports).end, RunEnd::kStopped);
  EXPECT_EQ(TicksTaken(machine), 0u) << "interrupts are off";
  EnableInterrupts(machine);
  ports.on_tick = nullptr;
  ASSERT_EQ(machine.Run(ports).end, RunEnd::kStopped);
  EXPECT_EQ(TicksTaken(machine), 5u);
}

TEST_F(MachineTest, SpinningKernelIsFound) {
  for (KernelRing ring : {KernelRing::kRing3, KernelRing::kRing0}) {
    const uint64_t start = MonotonicNs();
    const Outcome outcome = RunToEnd(
        Spins(), ring, [](MachineConfig& config) { config.watchdog.spin_limit_ns = 300 * kMs; });
    EXPECT_EQ(outcome.result.end, RunEnd::kSpin) << outcome.result.message;
    EXPECT_NE(outcome.result.message.find("without an answer"), std::string::npos);
    EXPECT_NE(outcome.result.message.find("rip 00007000001"), std::string::npos)
        << outcome.result.message;
    EXPECT_LT(MonotonicNs() - start, 3000 * kMs);
  }
}

TEST_F(MachineTest, SpinIsFoundWithoutTicksToo) {
  const Outcome outcome = RunToEnd(Spins(), KernelRing::kRing3, [](MachineConfig& config) {
    config.tick_ns = 0;
    config.watchdog.spin_limit_ns = 300 * kMs;
  });
  EXPECT_EQ(outcome.result.end, RunEnd::kSpin);
}

TEST_F(MachineTest, ComputingWithInterruptsOnIsNoSpin) {
  const std::vector<uint8_t> kernel = Computes();
  MachineConfig config = testing::SmallConfig(kernel, KernelRing::kRing3);
  config.watchdog.spin_limit_ns = 50 * kMs;
  Machine machine(kvm(), config);
  EnableInterrupts(machine);
  RecordingPorts ports;
  const uint64_t start = MonotonicNs();
  const RunResult result = machine.Run(ports);
  EXPECT_EQ(result.end, RunEnd::kStopped) << result.message;
  EXPECT_GT(MonotonicNs() - start, 200 * kMs) << "too short to prove anything";
}

TEST_F(MachineTest, SlowHostIsNoSpin) {
  const std::vector<uint8_t> kernel = Spins();
  MachineConfig config = testing::SmallConfig(kernel, KernelRing::kRing3);
  config.watchdog.spin_limit_ns = 200 * kMs;
  Machine machine(kvm(), config);
  RecordingPorts ports;
  ports.on_tick = [&ports] {
    if (ports.ticks < 4) std::this_thread::sleep_for(std::chrono::milliseconds(150));
    return ports.ticks == 6 ? Next::kStop : Next::kContinue;
  };
  EXPECT_EQ(machine.Run(ports).end, RunEnd::kStopped);
}

TEST_F(MachineTest, WallLimitEndsAGuestThatAnswersForEver) {
  const Outcome outcome = RunToEnd(DrainsForEver(), KernelRing::kRing3, [](MachineConfig& config) {
    config.watchdog.wall_limit_ns = 300 * kMs;
  });
  EXPECT_EQ(outcome.result.end, RunEnd::kWallLimit);
  EXPECT_NE(outcome.result.message.find("0.3 s"), std::string::npos) << outcome.result.message;
  EXPECT_GT(outcome.ports.rings.size(), 10u);
}

TEST_F(MachineTest, AnotherThreadCanKickAndStop) {
  const std::vector<uint8_t> kernel = Spins();
  MachineConfig config = testing::SmallConfig(kernel, KernelRing::kRing3);
  config.tick_ns = 0;
  config.watchdog.spin_limit_ns = 0;
  Machine machine(kvm(), config);
  RecordingPorts ports;
  std::atomic<uint64_t> kicked_ns = 0;
  ports.on_tick = [&] {
    if (kicked_ns != 0) return Next::kStop;
    return Next::kContinue;
  };
  const auto after_10_ms = [](auto action) {
    return std::thread([action] {
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
      action();
    });
  };
  std::thread kicker = after_10_ms([&] {
    kicked_ns = MonotonicNs();
    machine.Kick();
  });
  EXPECT_EQ(machine.Run(ports).end, RunEnd::kStopped);
  EXPECT_LT(MonotonicNs() - kicked_ns, kHousekeepingNs / 2) << "sooner than the timer would";
  kicker.join();

  kicked_ns = 0;
  std::thread stopper = after_10_ms([&] { machine.RequestStop(); });
  EXPECT_EQ(machine.Run(ports).end, RunEnd::kKicked);
  stopper.join();
}

TEST_F(MachineTest, KickBetweenRunsIsNotLost) {
  const std::vector<uint8_t> kernel = Spins();
  Machine machine(kvm(), testing::SmallConfig(kernel, KernelRing::kRing3));
  RecordingPorts ports;
  machine.RequestStop();
  EXPECT_EQ(machine.Run(ports).end, RunEnd::kKicked);
}

TEST_F(MachineTest, IdleWaitEndsAtTimeAtInputAndAtAKick) {
  const std::vector<uint8_t> kernel = IdlesOnce();
  MachineConfig config = testing::SmallConfig(kernel, KernelRing::kRing3);
  config.tick_ns = kMs;
  Machine machine(kvm(), config);
  RecordingPorts ports;
  std::array<int, 2> pipe_ends{};
  ASSERT_EQ(::pipe(pipe_ends.data()), 0);
  const Fd read_end(pipe_ends[0]);
  const Fd write_end(pipe_ends[1]);
  const std::array<int, 1> fds = {read_end.get()};

  ports.on_doorbell = [&](DoorbellReason reason, uint64_t) {
    if (reason == DoorbellReason::kDone) return Next::kStop;
    const uint64_t start = MonotonicNs();
    EXPECT_EQ(machine.WaitIdle(30 * kMs, fds), IdleEnd::kDeadline);
    EXPECT_GE(MonotonicNs() - start, 30 * kMs) << "ticks must not end the wait";
    machine.Kick();
    EXPECT_EQ(machine.WaitIdle(5000 * kMs, fds), IdleEnd::kSignal) << "a kick before the wait";
    EXPECT_EQ(machine.WaitIdle(kMs, fds), IdleEnd::kDeadline) << "one kick, one end";
    std::thread kicker([&] {
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
      machine.Kick();
    });
    EXPECT_EQ(machine.WaitIdle(kNoDeadline, fds), IdleEnd::kSignal);
    kicker.join();
    EXPECT_EQ(::write(write_end.get(), "x", 1), 1);
    EXPECT_EQ(machine.WaitIdle(5000 * kMs, fds), IdleEnd::kReadable);
    return Next::kContinue;
  };
  EXPECT_EQ(machine.Run(ports).end, RunEnd::kStopped);
  EXPECT_EQ(ports.rings.size(), 2u);
}

TEST_F(MachineTest, WallLimitEndsAnIdleWait) {
  const std::vector<uint8_t> kernel = IdlesOnce();
  MachineConfig config = testing::SmallConfig(kernel, KernelRing::kRing3);
  config.watchdog.wall_limit_ns = 100 * kMs;
  Machine machine(kvm(), config);
  RecordingPorts ports;
  ports.on_doorbell = [&](DoorbellReason, uint64_t) {
    EXPECT_EQ(machine.WaitIdle(kNoDeadline, {}), IdleEnd::kDeadline);
    return Next::kContinue;
  };
  EXPECT_EQ(machine.Run(ports).end, RunEnd::kWallLimit);
}

TEST_F(MachineTest, HostAndGuestAgreeAboutTheTime) {
  const std::vector<uint8_t> kernel = DoneWithTsc();
  Machine machine(kvm(), testing::SmallConfig(kernel, KernelRing::kRing3));
  RecordingPorts ports;
  const uint64_t before = machine.GuestTsc();
  ASSERT_EQ(machine.Run(ports).end, RunEnd::kStopped);
  const uint64_t after = machine.GuestTsc();
  const uint64_t slack = machine.boot_info().tsc_khz / 50;  // 20 us
  const uint64_t mask = (uint64_t{1} << 56) - 1;            // what fits beside the reason
  EXPECT_GE(ports.rings.at(0).argument + slack, before & mask);
  EXPECT_LE(ports.rings.at(0).argument, (after & mask) + slack);
  EXPECT_EQ(machine.NsUntil(before), 0u);
  const uint64_t second = machine.NsUntil(machine.GuestTsc() + machine.boot_info().tsc_khz * 1000);
  EXPECT_NEAR(static_cast<double>(second), 1e9, 1e6);
  EXPECT_GT(machine.NsUntil(~uint64_t{0}), second) << "a wild deadline does not wrap";
}

TEST_F(MachineTest, DirtyLogNamesTheWrittenPages) {
  const std::vector<uint8_t> kernel = WritesThreePages();
  Machine machine(kvm(), testing::SmallConfig(kernel, KernelRing::kRing3));
  RecordingPorts ports;
  std::vector<std::vector<uint64_t>> dirty;
  ports.on_doorbell = [&](DoorbellReason reason, uint64_t) {
    if (reason == DoorbellReason::kDone) return Next::kStop;
    if (ports.rings.size() == 1) machine.vm().SetDirtyLog(Vm::DirtyLog::kOn);
    std::vector<uint64_t> bitmap;
    machine.vm().GetDirtyLog(bitmap);
    std::vector<uint64_t> frames;
    for (uint64_t frame = 0; frame < bitmap.size() * 64; ++frame) {
      if (bitmap[frame / 64] >> (frame % 64) & 1) frames.push_back(frame);
    }
    dirty.push_back(frames);
    return Next::kContinue;
  };
  ASSERT_EQ(machine.Run(ports).end, RunEnd::kStopped);
  ASSERT_EQ(dirty.size(), 3u);
  EXPECT_EQ(dirty[0], std::vector<uint64_t>{});
  EXPECT_EQ(dirty[1], (std::vector<uint64_t>{0x800, 0xA01}));
  EXPECT_EQ(dirty[2], std::vector<uint64_t>{0x900});
  machine.vm().SetDirtyLog(Vm::DirtyLog::kOff);
}

TEST_F(MachineTest, GarbageInTheChannelHurtsNobody) {
  const std::vector<uint8_t> kernel = ScribblesOverChannel();
  MachineConfig config = testing::SmallConfig(kernel, KernelRing::kRing3);
  config.tick_ns = kMs;
  Machine machine(kvm(), config);
  const uint64_t channel = machine.channel_gpa();
  RecordingPorts ports;
  ports.on_doorbell = [&](DoorbellReason, uint64_t) {
    machine.WaitIdle(kMs, {});
    return ports.rings.size() == 50 ? Next::kStop : Next::kContinue;
  };
  const RunResult result = machine.Run(ports);
  EXPECT_EQ(result.end, RunEnd::kStopped) << result.message;
  EXPECT_NE(machine.memory().Load<uint64_t>(channel), proto::kChannelMagic);
  EXPECT_EQ(machine.channel_gpa(), channel) << "the host's own copy";
}

}  // namespace
}  // namespace fv::vmm
