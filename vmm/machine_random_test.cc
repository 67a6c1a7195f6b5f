// SPDX-License-Identifier: Apache-2.0
//
// Random bytes as a guest kernel, in ring 3: whatever they do, the run ends in time with a result.
#include <gtest/gtest.h>

#include <random>
#include <vector>

#include "vmm/clock.h"
#include "vmm/machine.h"
#include "vmm/testing/elf_builder.h"
#include "vmm/testing/machine_test_base.h"

namespace fv::vmm {
namespace {

using testing::MachineTest;

constexpr uint64_t kMs = 1'000'000;
constexpr uint64_t kWallLimit = 40 * kMs;

// Mostly harmless one-byte instructions, so that the code gets somewhere before it dies.
std::vector<uint8_t> RandomCode(std::mt19937_64& random) {
  std::vector<uint8_t> code(proto::kPageBytes);
  for (uint8_t& byte : code) {
    byte = static_cast<uint8_t>(random() % 3 == 0 ? random() : 0x40 + random() % 32);
  }
  return code;
}

TEST_F(MachineTest, RandomCodeEndsInTimeWithAResult) {
  std::mt19937_64 random(1);
  unsigned ends[5] = {};
  for (int round = 0; round < 150; ++round) {
    SCOPED_TRACE(round);
    const std::vector<uint8_t> kernel = testing::TinyKernel(RandomCode(random));
    MachineConfig config = testing::SmallConfig(kernel, KernelRing::kRing3);
    config.tick_ns = kMs;
    config.watchdog = {.wall_limit_ns = kWallLimit, .spin_limit_ns = kWallLimit / 2};
    Machine machine(kvm(), config);
    // Registers that point at what the code may want to spoil.
    kvm_regs regs = machine.vcpu().regs();
    regs.rsp = proto::DirectMap(machine.channel_gpa() + random() % 4096);
    regs.rax = regs.rcx = proto::DirectMap(random() % machine.memory().size());
    regs.rbx = regs.rsi = proto::DirectMap(proto::DoorbellPhys(machine.memory().size()));
    machine.vcpu().SetRegs(regs);
    testing::RecordingPorts ports;
    const uint64_t start = MonotonicNs();
    const RunResult result = machine.Run(ports);
    EXPECT_LT(MonotonicNs() - start, 1500 * kWallLimit);  // a minute: hosts are busy
    EXPECT_TRUE(result.end == RunEnd::kStopped || !result.message.empty());
    ++ends[static_cast<size_t>(result.end)];
  }
  EXPECT_GT(ends[static_cast<size_t>(RunEnd::kGuestError)], 50u) << "random code mostly dies";
}

}  // namespace
}  // namespace fv::vmm
