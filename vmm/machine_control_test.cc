// SPDX-License-Identifier: Apache-2.0
//
// Control: watchdog, kicks, dirty log, and a guest that scribbles over everything it shares.
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <string>
#include <thread>
#include <vector>

#include "vmm/clock.h"
#include "vmm/machine.h"
#include "vmm/testing/machine_test_base.h"
#include "vmm/testing/tiny_guests.h"

namespace fv::vmm {
namespace {

using proto::DoorbellReason;
using testing::EnableInterrupts;
using testing::MachineTest;
using testing::RecordingPorts;

constexpr uint64_t kMs = 1'000'000;

FV_TINY_GUEST(Spins, "1: jmp 1b")
// Counts down in RCX, then done.
FV_TINY_GUEST(Computes, "movabs $3000000000, %rcx\n 1: dec %rcx\n jnz 1b\n movq $5, (%rbx)\n ud2")
FV_TINY_GUEST(DrainsForEver, "1: movq $1, (%rbx)\n jmp 1b")
FV_TINY_GUEST(IdlesOnce, "movq $3, (%rbx)\n movq $5, (%rbx)\n ud2")
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

TEST_F(MachineTest, SpinningKernelIsFound) {
  for (KernelRing ring : {KernelRing::kRing3, KernelRing::kRing0}) {
    const Outcome outcome = RunToEnd(
        Spins(), ring, [](MachineConfig& config) { config.watchdog.spin_limit_ns = 300 * kMs; });
    EXPECT_EQ(outcome.result.end, RunEnd::kSpin) << outcome.result.message;
    EXPECT_NE(outcome.result.message.find("without an answer"), std::string::npos);
    EXPECT_NE(outcome.result.message.find("rip 00007000001"), std::string::npos)
        << outcome.result.message;
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
  EXPECT_GT(outcome.ports.rings.size(), 1u);
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

TEST_F(MachineTest, AnotherThreadCanKickAndStop) {
  const std::vector<uint8_t> kernel = Spins();
  MachineConfig config = testing::SmallConfig(kernel, KernelRing::kRing3);
  config.tick_ns = 3'600'000'000'000;  // no timer does it
  config.watchdog.spin_limit_ns = 0;
  Machine machine(kvm(), config);
  RecordingPorts ports;
  std::atomic<bool> kicked = false;
  ports.on_tick = [&] { return kicked ? Next::kStop : Next::kContinue; };
  const auto after_10_ms = [](auto action) {
    return std::thread([action] {
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
      action();
    });
  };
  std::thread kicker = after_10_ms([&] {
    kicked = true;
    machine.Kick();
  });
  EXPECT_EQ(machine.Run(ports).end, RunEnd::kStopped);
  kicker.join();

  kicked = false;
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
    machine.vm().Protect(bitmap);
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

// A page that its reader need not hear of stays in the log, written or not.
TEST_F(MachineTest, AnOpenPageIsNamedAgainUntilItIsWatched) {
  const std::vector<uint8_t> kernel = WritesThreePages();
  Machine machine(kvm(), testing::SmallConfig(kernel, KernelRing::kRing3));
  RecordingPorts ports;
  using Frames = std::vector<uint64_t>;
  std::vector<Frames> taken;
  ports.on_doorbell = [&](DoorbellReason reason, uint64_t) {
    if (reason == DoorbellReason::kDone) return Next::kStop;
    if (ports.rings.size() == 1) {
      machine.StartDirtyLog(LogReader::kOracle);
      return Next::kContinue;
    }
    std::vector<uint64_t> bitmap;
    machine.TakeDirtyLog(LogReader::kOracle, bitmap);
    Frames frames;
    for (uint64_t frame = 0; frame < bitmap.size() * 64; ++frame) {
      if (bitmap[frame / 64] >> (frame % 64) & 1) frames.push_back(frame);
    }
    taken.push_back(frames);
    std::vector<uint64_t> open(bitmap.size());
    open[0x800 / 64] = uint64_t{1} << 0x800 % 64;
    machine.TellDirtyLog(LogReader::kOracle, {open, {}});
    machine.TakeDirtyLog(LogReader::kOracle, bitmap);
    EXPECT_EQ(bitmap, std::vector<uint64_t>(bitmap.size())) << "nothing ran in between";
    return Next::kContinue;
  };
  ASSERT_EQ(machine.Run(ports).end, RunEnd::kStopped);
  ASSERT_EQ(taken.size(), 2u);
  EXPECT_EQ(taken[0], (Frames{0x800, 0xA01}));
  EXPECT_EQ(taken[1], (Frames{0x800, 0x900}));
}

// What one reader need not hear of, another one may want to.
TEST_F(MachineTest, APageIsOpenOnlyIfAllReadersSaySo) {
  const std::vector<uint8_t> kernel = WritesThreePages();
  Machine machine(kvm(), testing::SmallConfig(kernel, KernelRing::kRing3));
  RecordingPorts ports;
  std::vector<uint64_t> last;
  ports.on_doorbell = [&](DoorbellReason reason, uint64_t) {
    if (reason == DoorbellReason::kDone) return Next::kStop;
    for (const LogReader reader : {LogReader::kOracle, LogReader::kRecorder}) {
      if (ports.rings.size() == 1) {
        machine.StartDirtyLog(reader);
        continue;
      }
      machine.TakeDirtyLog(reader, last);
      std::vector<uint64_t> open(last.size());
      if (reader == LogReader::kOracle) open.assign(last.size(), ~uint64_t{0});
      machine.TellDirtyLog(reader, {open, {}});
    }
    return Next::kContinue;
  };
  ASSERT_EQ(machine.Run(ports).end, RunEnd::kStopped);
  std::vector<uint64_t> expected(last.size());
  expected[0x900 / 64] = uint64_t{1} << 0x900 % 64;
  EXPECT_EQ(last, expected);
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
