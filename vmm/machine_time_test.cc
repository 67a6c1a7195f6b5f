// SPDX-License-Identifier: Apache-2.0
//
// Time: ticks, the idle wait, one clock for host and guest.
#include <gtest/gtest.h>
#include <unistd.h>

#include <array>
#include <cstddef>
#include <optional>
#include <thread>

#include "vmm/clock.h"
#include "vmm/machine.h"
#include "vmm/testing/machine_test_base.h"
#include "vmm/testing/tiny_guests.h"

namespace fv::vmm {
namespace {

using proto::ChannelHeader;
using proto::DoorbellReason;
using testing::EnableInterrupts;
using testing::MachineTest;
using testing::RecordingPorts;

// Offsets for the assembly below, which cannot ask the compiler.
#define TICK_WANTED "312"
#define TIMER_DEADLINE "320"
static_assert(offsetof(ChannelHeader, tick_wanted) == 312);
static_assert(offsetof(ChannelHeader, timer_deadline_tsc) == 320);

constexpr uint64_t kMs = 1'000'000;

FV_TINY_GUEST(IdlesOnce, "movq $3, (%rbx)\n movq $5, (%rbx)\n ud2")
FV_TINY_GUEST(DoneWithTsc,
              "rdtsc\n shl $32, %rdx\n or %rdx, %rax\n shl $8, %rax\n or $5, %rax\n"
              "mov %rax, (%rbx)\n ud2")
// Fills GDT, TSS and the gate of vector 32, tells the host what it wishes, rings kDrain, and
// computes with whatever IF it is given. The tick's handler counts in the data page, keeps the
// kernel in ring 0, and ends after 5 ticks.
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
FV_TINY_GUEST(TicksWanted, TICKING("movq $1, " TICK_WANTED "(%rbp)\n"))
FV_TINY_GUEST(TicksUnwanted, TICKING(""))
// A deadline 20 M cycles ahead, which nobody moves on: due at every timer from then on.
FV_TINY_GUEST(TicksByDeadline,
              TICKING("rdtsc\n shl $32, %rdx\n or %rdx, %rax\n"
                      "add $20000000, %rax\n mov %rax, " TIMER_DEADLINE "(%rbp)\n"))

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
  // On a busy host it may have passed by now.
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
    EXPECT_EQ(::write(write_end.get(), "x", 1), 1);
    EXPECT_EQ(machine.WaitIdle(5000 * kMs, fds), IdleEnd::kReadable);
    return Next::kContinue;
  };
  EXPECT_EQ(machine.Run(ports).end, RunEnd::kStopped);
  EXPECT_EQ(ports.rings.size(), 2u);
}

// The kick's steps, and those of the thread that it is for, come in any order.
TEST_F(MachineTest, OneKickOfAnotherThreadIsOneEnd) {
  const std::vector<uint8_t> kernel = IdlesOnce();
  MachineConfig config = testing::SmallConfig(kernel, KernelRing::kRing3);
  config.tick_ns = kMs;
  Machine machine(kvm(), config);
  RecordingPorts ports;
  ports.on_doorbell = [&](DoorbellReason reason, uint64_t) {
    if (reason == DoorbellReason::kDone) return Next::kStop;
    for (int round = 0; round < 2000 && !HasFailure(); ++round) {
      std::thread kicker([&] { machine.Kick(); });
      EXPECT_EQ(machine.WaitIdle(kNoDeadline, {}), IdleEnd::kSignal);
      kicker.join();
      EXPECT_EQ(machine.WaitIdle(0, {}), IdleEnd::kDeadline) << "round " << round;
    }
    return Next::kContinue;
  };
  EXPECT_EQ(machine.Run(ports).end, RunEnd::kStopped);
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
  const uint64_t start_ns = MonotonicNs();
  const uint64_t second = machine.NsUntil(machine.GuestTsc() + machine.boot_info().tsc_khz * 1000);
  const uint64_t passed_ns = MonotonicNs() - start_ns;
  EXPECT_LE(second, 1001 * kMs);
  EXPECT_GE(second + passed_ns, 999 * kMs);
  EXPECT_GT(machine.NsUntil(~uint64_t{0}), second) << "a wild deadline does not wrap";
}

}  // namespace
}  // namespace fv::vmm
