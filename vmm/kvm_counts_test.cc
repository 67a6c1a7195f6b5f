// SPDX-License-Identifier: Apache-2.0
//
// What KVM counts of a machine's vCPU.
#include "vmm/kvm_counts.h"

#include <fcntl.h>
#include <gtest/gtest.h>

#include "vmm/fd.h"
#include "vmm/testing/machine_test_base.h"
#include "vmm/testing/tiny_guests.h"

namespace fv::vmm {
namespace {

// Rings Drain until the end of the run.
FV_TINY_GUEST(RingsForEver, "1: movq $0x101, (%rbx)\n jmp 1b")

class KvmCountsTest : public testing::MachineTest {};

TEST_F(KvmCountsTest, EveryDoorbellIsAnExit) {
  const std::vector<uint8_t> kernel = RingsForEver();
  Machine machine(kvm(), testing::SmallConfig(kernel, KernelRing::kRing3));
  const KvmCounts before = machine.Counts();
  if (!before.known) GTEST_SKIP() << "KVM has no statistics";
  constexpr size_t kRings = 50;
  testing::RecordingPorts ports;
  ports.on_doorbell = [&](proto::DoorbellReason, uint64_t) {
    return ports.rings.size() < kRings ? Next::kContinue : Next::kStop;
  };
  ASSERT_EQ(machine.Run(ports).end, RunEnd::kStopped);
  const KvmCounts after = machine.Counts();
  EXPECT_GE(after.exits, before.exits + kRings);
  EXPECT_GE(after.emulated, before.emulated + kRings) << "KVM executes the store to the doorbell";
  EXPECT_GT(after.faults, before.faults);
}

TEST(KvmCounts, OfNoVcpuAreNotKnown) {
  EXPECT_FALSE(ReadKvmCounts(-1).known);
  const Fd file(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  EXPECT_FALSE(ReadKvmCounts(file.get()).known);
}

}  // namespace
}  // namespace fv::vmm
