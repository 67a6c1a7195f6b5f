// SPDX-License-Identifier: Apache-2.0
//
// Boots the kernels of guest/arch/testing, which are guest/arch alone: the arch probe checks traps,
// returns, stack switches and FPU state by itself; the other one overruns an array on a kernel
// stack. In both kernel rings.

#include <gtest/gtest.h>

#include <unistd.h>

#include <cstring>
#include <span>
#include <string>

#include "proto/channel.h"
#include "proto/layout.h"
#include "tests/arch/probe_image.h"
#include "tests/arch/smash_image.h"
#include "vmm/machine.h"

namespace fv {
namespace {

class ConsolePorts : public vmm::Ports {
 public:
  explicit ConsolePorts(vmm::Machine& machine) : machine_(machine) {}

  vmm::Next OnDoorbell(proto::DoorbellReason reason, uint64_t /*argument*/) override {
    reason_ = reason;
    return reason == proto::DoorbellReason::kDrain ? vmm::Next::kContinue : vmm::Next::kStop;
  }

  std::string Output() {
    proto::ChannelHeader header;
    const auto* ram = machine_.memory().host_base() + machine_.channel_gpa();
    std::memcpy(&header, ram, sizeof header);
    std::string text;
    for (uint64_t i = 0; i < header.console.produced && i < proto::kConsoleCapacity; ++i) {
      proto::ConsoleRecord record;
      std::memcpy(&record, ram + header.console.offset + i * sizeof record, sizeof record);
      text.append(reinterpret_cast<const char*>(record.data),
                  std::min<size_t>(record.length, sizeof record.data));
    }
    return text + header.panic_message;
  }
  proto::DoorbellReason reason() const { return reason_; }

 private:
  vmm::Machine& machine_;
  proto::DoorbellReason reason_{};
};

class ArchProbeTest : public testing::TestWithParam<vmm::KernelRing> {
 protected:
  void SetUp() override {
    if (access("/dev/kvm", R_OK | W_OK) != 0) GTEST_SKIP() << "no usable /dev/kvm";
  }
  // Runs the kernel until it ends as `expected`; what it said, its last words included.
  static std::string OutputOf(std::span<const uint8_t> image, proto::DoorbellReason expected);
};

std::string ArchProbeTest::OutputOf(std::span<const uint8_t> image,
                                    proto::DoorbellReason expected) {
  vmm::Kvm kvm = vmm::Kvm::Open();
  vmm::MachineConfig config;
  config.kernel_image = {reinterpret_cast<const uint8_t*>(image.data()), image.size()};
  config.argv = {"probe"};
  config.ram_bytes = proto::kMinRamBytes;
  config.kernel_ring = GetParam();
  config.watchdog.wall_limit_ns = 60'000'000'000;
  vmm::Machine machine(kvm, config);
  ConsolePorts ports(machine);
  const vmm::RunResult result = machine.Run(ports);
  std::string output = ports.Output();
  std::printf("%s", output.c_str());
  EXPECT_EQ(result.end, vmm::RunEnd::kStopped) << result.message;
  EXPECT_EQ(ports.reason(), expected);
  return output;
}

TEST_P(ArchProbeTest, TrapsReturnsAndSwitches) {
  const std::string output = OutputOf(embedded::ArchProbe(), proto::DoorbellReason::kDone);
  EXPECT_NE(output.find("arch probe: ok"), std::string::npos) << output;
}

TEST_P(ArchProbeTest, F04AnArrayOverrunIsCaught) {
  const std::string output = OutputOf(embedded::SmashKernel(), proto::DoorbellReason::kPanic);
  EXPECT_NE(output.find("kernel stack smashed: pid 7 (smasher)"), std::string::npos) << output;
}

INSTANTIATE_TEST_SUITE_P(BothRings, ArchProbeTest,
                         testing::Values(vmm::KernelRing::kRing3, vmm::KernelRing::kRing0),
                         [](const auto& info) {
                           return info.param == vmm::KernelRing::kRing0 ? "Ring0" : "Ring3";
                         });

}  // namespace
}  // namespace fv
