// SPDX-License-Identifier: Apache-2.0
//
// Restores of a guest that lies about which of its frames are page tables.
#include "vmm/snapshot/restorer.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <new>

#include "vmm/error.h"
#include "vmm/testing/machine_test_base.h"
#include "vmm/testing/tiny_guests.h"

namespace {

size_t largest_allocation;

}  // namespace

void* operator new(size_t bytes) {
  largest_allocation = std::max(largest_allocation, bytes);
  void* place = std::malloc(bytes);
  if (place == nullptr) throw std::bad_alloc();
  return place;
}
void operator delete(void* place) noexcept { std::free(place); }
void operator delete(void* place, size_t) noexcept { std::free(place); }

namespace fv::vmm {
namespace {

using testing::MachineTest;
using testing::RecordingPorts;

// Writes a page at 8 MiB, twice.
FV_TINY_GUEST(WritesAPage, R"(
  movabs $0x700000800000, %rcx
  movq $1, (%rbx)
  movb $1, (%rcx)
  movq $1, (%rbx)
  movb $2, 64(%rcx)
  movq $5, (%rbx)
  ud2
)")

constexpr uint64_t kPage = 0x800000;
constexpr uint64_t kMap = 0x900000;  // where the test puts a set of page-table frames
constexpr uint64_t kMapBytes = proto::kMinRamBytes / proto::kPageBytes / 8;

class RestorerTest : public MachineTest {
 protected:
  // At the first doorbell the guest names `map` as its set; a snapshot is taken there.
  void Start(Machine& machine, uint64_t map) {
    ports_.on_doorbell = [](proto::DoorbellReason, uint64_t) { return Next::kStop; };
    ASSERT_EQ(machine.Run(ports_).end, RunEnd::kStopped);
    ASSERT_TRUE(machine.memory().Store(
        machine.channel_gpa() + offsetof(proto::ChannelHeader, table_frames), map));
    snapshot_ = machine.TakeSnapshot();
    ASSERT_EQ(machine.Run(ports_).end, RunEnd::kStopped);
    ASSERT_EQ(machine.memory().Load<uint8_t>(kPage), 1);
  }

  const std::vector<uint8_t> kernel_ = WritesAPage();
  RecordingPorts ports_;
  std::shared_ptr<const Snapshot> snapshot_;
};

TEST_F(RestorerTest, ASetAnywhereIsNone) {
  constexpr uint64_t kRamEnd = proto::kKernelBase + proto::kMinRamBytes;
  for (const uint64_t map :
       {uint64_t{0}, kMap, proto::kKernelBase - proto::kPageBytes, proto::DirectMap(kMap) + 8,
        kRamEnd - kMapBytes + 8, kRamEnd, ~uint64_t{0}, ~uint64_t{0} & ~(proto::kPageBytes - 1)}) {
    SCOPED_TRACE(::testing::Message() << std::hex << map);
    Machine machine(kvm(), testing::SmallConfig(kernel_, KernelRing::kRing3));
    Start(machine, map);
    EXPECT_EQ(machine.Restore(snapshot_).words, 0u);
    EXPECT_TRUE(machine.Compare(*snapshot_).none());
    EXPECT_EQ(machine.memory().Load<uint8_t>(kPage), 0);
  }
}

// The guest is asked to write what is no page table; this one has no routine for it.
TEST_F(RestorerTest, AGuestThatDoesNotWriteItsTablesIsAnError) {
  Machine machine(kvm(), testing::SmallConfig(kernel_, KernelRing::kRing3));
  const std::vector<uint8_t> all(kMapBytes, 0xFF);
  ASSERT_TRUE(machine.memory().Write(kMap, all.data(), all.size()));
  Start(machine, proto::DirectMap(kMap));
  try {
    machine.Restore(snapshot_);
    ADD_FAILURE() << "nobody wrote";
  } catch (const VmmError& error) {
    EXPECT_NE(std::string(error.what()).find("restore routine"), std::string::npos) << error.what();
  }
}

// What the guest is to write is bounded by the window, not by its memory.
TEST_F(RestorerTest, AGuestOfTablesAloneTakesNoMemory) {
  Machine machine(kvm(), testing::SmallConfig(kernel_, KernelRing::kRing3));
  const std::vector<uint8_t> all(kMapBytes, 0xFF);
  ASSERT_TRUE(machine.memory().Write(kMap, all.data(), all.size()));
  Start(machine, proto::DirectMap(kMap));
  const std::vector<uint8_t> other(uint64_t{4} << 20, 0x55);
  ASSERT_TRUE(machine.memory().Write(uint64_t{10} << 20, other.data(), other.size()));
  largest_allocation = 0;
  EXPECT_THROW(machine.Restore(snapshot_), VmmError);
  EXPECT_LE(largest_allocation, 2 * proto::kRestoreBytes);
}

TEST_F(RestorerTest, ANewSlotNeedsNoHelpOfTheGuest) {
  Machine machine(kvm(), testing::SmallConfig(kernel_, KernelRing::kRing3));
  const std::vector<uint8_t> all(kMapBytes, 0xFF);
  ASSERT_TRUE(machine.memory().Write(kMap, all.data(), all.size()));
  machine.restorer().set_table_restore(TableRestore::kRemakeSlot);
  Start(machine, proto::DirectMap(kMap));
  machine.Restore(snapshot_);
  EXPECT_TRUE(machine.Compare(*snapshot_).none());
  EXPECT_EQ(machine.memory().Load<uint8_t>(kPage), 0);
}

}  // namespace
}  // namespace fv::vmm
