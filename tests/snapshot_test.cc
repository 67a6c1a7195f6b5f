// SPDX-License-Identifier: Apache-2.0
//
// Snapshots of whole guests: random programs dirty a machine, it is brought back, and everything is
// compared, time after time; a restore that leaves a page out is noticed; machines that are made
// from one snapshot go their own ways.
#include <gtest/gtest.h>

#include <cstddef>
#include <iostream>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "gflags/gflags.h"
#include "proto/channel.h"
#include "src/session/reset_proof.h"
#include "tests/snapshot_fixture.h"
#include "vmm/snapshot/snapshot_file.h"

DEFINE_uint32(rounds, 1000, "random programs that a restore is proved after");

namespace fv::tests {
namespace {

TEST_F(SnapshotTest, EveryRestoreIsExact) {
  ASSERT_NO_FATAL_FAILURE(Start());
  ExpectExact(machine(), *snapshot_);
  vmm::RestoreStats sum;
  for (uint64_t seed = 1; seed <= FLAGS_rounds && !HasFailure(); ++seed) {
    const std::string first = RunSeed(machine(), seed);
    const vmm::RestoreStats stats = machine().Restore(snapshot_);
    ExpectExact(machine(), *snapshot_);
    EXPECT_GT(stats.pages, 0u);
    sum.pages += stats.pages;
    sum.table_pages += stats.table_pages;
    sum.words += stats.words;
    // The state is the same, so what follows is, too.
    if (seed % 10 == 0) {
      EXPECT_EQ(RunSeed(machine(), seed), first);
      machine().Restore(snapshot_);
    }
  }
  std::cout << "on average " << sum.pages / FLAGS_rounds << " pages, "
            << sum.table_pages / FLAGS_rounds << " of tables, " << sum.words / FLAGS_rounds
            << " words\n";
}

TEST_F(SnapshotTest, APageLeftOutIsNoticed) {
  ASSERT_NO_FATAL_FAILURE(Start());
  RunSeed(machine(), 1);
  // The channel's header, which every run changes.
  const uint64_t frame = machine().channel_gpa() / 4096;
  machine().restorer().LeaveOutForTest(frame);
  machine().Restore(snapshot_);
  const vmm::StateDifference difference = machine().Compare(*snapshot_);
  ASSERT_EQ(difference.page_count, 1u) << Text(difference);
  EXPECT_EQ(difference.pages[0].frame, frame);
}

TEST_F(SnapshotTest, AChangedRegisterIsNoticed) {
  ASSERT_NO_FATAL_FAILURE(Start());
  RunSeed(machine(), 1);
  machine().Restore(snapshot_);
  kvm_regs regs = snapshot_->cpu.regs;
  regs.r12 ^= 1;
  machine().vcpu().SetRegs(regs);
  const vmm::StateDifference difference = machine().Compare(*snapshot_);
  ASSERT_EQ(difference.registers.size(), 1u) << Text(difference);
  EXPECT_EQ(difference.registers[0].substr(0, 4), "r12 ");
}

TEST_F(SnapshotTest, PageTablesByANewSlotToo) {
  ASSERT_NO_FATAL_FAILURE(Start());
  machine().restorer().set_table_restore(vmm::TableRestore::kRemakeSlot);
  for (uint64_t seed = 1; seed <= 20 && !HasFailure(); ++seed) {
    const std::string first = RunSeed(machine(), seed);
    machine().Restore(snapshot_);
    ExpectExact(machine(), *snapshot_);
    EXPECT_EQ(RunSeed(machine(), seed), first);
    machine().Restore(snapshot_);
  }
}

// The routine that writes page tables loads CR3 in this ring. Slow where ring 0 is emulated.
TEST_F(SnapshotTest, TheKernelMayBeInRing0) {
  ASSERT_NO_FATAL_FAILURE(
      Start([](session::GuestOptions& options) { options.kernel_ring = vmm::KernelRing::kRing0; }));
  const std::string first = RunSeed(machine(), 1);
  const vmm::RestoreStats stats = machine().Restore(snapshot_);
  EXPECT_GT(stats.words, 0u);
  ExpectExact(machine(), *snapshot_);
  EXPECT_EQ(RunSeed(machine(), 1), first);
}

TEST_F(SnapshotTest, ManyMachinesOfOneSnapshot) {
  ASSERT_NO_FATAL_FAILURE(Start());
  const std::string expected = RunSeed(machine(), 7);
  std::vector<std::unique_ptr<vmm::Machine>> machines;
  for (int i = 0; i < 4; ++i) {
    machines.push_back(std::make_unique<vmm::Machine>(kvm(), snapshot_, vmm::WatchdogConfig{}));
    ExpectExact(*machines.back(), *snapshot_);
  }
  for (auto& other : machines) {
    EXPECT_EQ(RunSeed(*other, 7), expected);
    other->Restore(snapshot_);
    ExpectExact(*other, *snapshot_);
    EXPECT_EQ(RunSeed(*other, 7), expected);
  }
}

TEST_F(SnapshotTest, TreeOfSnapshots) {
  ASSERT_NO_FATAL_FAILURE(Start());
  // From the root to the end of two programs; snapshots there; back and forth.
  std::vector<std::shared_ptr<const vmm::Snapshot>> ends;
  for (uint64_t seed : {3, 9}) {
    machine().Restore(snapshot_);
    session::SnapshotTaker taker(machine(), *session::ParseSnapshotTime("syscall:exit_group"));
    uint64_t mask = EventBit(proto::EventKind::kSyscallEnter);
    ASSERT_TRUE(machine().memory().Store(
        machine().channel_gpa() + offsetof(proto::ChannelHeader, event_mask), mask));
    Run(machine(), std::to_string(seed) + "\n", &taker);
    ASSERT_NE(taker.snapshot(), nullptr);
    ends.push_back(taker.snapshot());
  }
  for (int i = 0; i < 3; ++i) {
    for (const auto& target : {ends[0], ends[1], snapshot_, ends[1]}) {
      machine().Restore(target);
      ExpectExact(machine(), *target);
    }
  }
}

TEST_F(SnapshotTest, MachinesFromAFileAndBack) {
  ASSERT_NO_FATAL_FAILURE(Start());
  const std::string expected = RunSeed(machine(), 7);
  const std::string file =
      (std::filesystem::temp_directory_path() / ("snapshot_test." + std::to_string(getpid())))
          .string();
  vmm::WriteSnapshotFile(*snapshot_, file);
  const auto read = vmm::ReadSnapshotFile(file, snapshot_->kernel_id);
  EXPECT_THROW(vmm::ReadSnapshotFile(file, snapshot_->kernel_id + 1), vmm::VmmError);
  std::filesystem::remove(file);  // who has it open goes on
  std::vector<std::unique_ptr<vmm::Machine>> machines;
  for (int i = 0; i < 3; ++i) {
    machines.push_back(std::make_unique<vmm::Machine>(kvm(), read, vmm::WatchdogConfig{}));
    ExpectExact(*machines.back(), *snapshot_);
  }
  for (auto& other : machines) {
    EXPECT_EQ(RunSeed(*other, 7), expected);
    other->Restore(read);
    ExpectExact(*other, *read);
  }
}

TEST_F(SnapshotTest, ADifferenceSaysWhatLivesThere) {
  ASSERT_NO_FATAL_FAILURE(Start());
  RunSeed(machine(), 1);
  machine().restorer().LeaveOutForTest(machine().channel_gpa() / 4096);
  machine().Restore(snapshot_);
  const std::vector<std::string> lines = session::ResetDifferences(machine(), *snapshot_);
  ASSERT_EQ(lines.size(), 1u);
  EXPECT_NE(lines[0].find("header of the channel"), std::string::npos) << lines[0];
  // Others by their records.
  EXPECT_EQ(session::FrameOwner(machine(), machine().boot_info().kernel_root_gpa / 4096),
            "boot page tables");
  std::map<std::string, int> owners;
  for (uint64_t frame = 0; frame < machine().memory().size() / 4096; ++frame) {
    const std::string owner = session::FrameOwner(machine(), frame);
    ++owners[owner.substr(0, owner.find(' '))];
  }
  for (const char* kind : {"page", "slab", "kernel", "anonymous", "free", "reserved"}) {
    EXPECT_GT(owners[kind], 0) << kind;
  }
}

TEST_F(SnapshotTest, ASnapshotForAnotherCpuIsRefused) {
  ASSERT_NO_FATAL_FAILURE(Start());
  auto other = std::make_shared<vmm::Snapshot>(*snapshot_);
  for (kvm_cpuid_entry2& entry : other->cpuid) {
    if (entry.function == 1) entry.ecx = entry.edx = ~0u;
  }
  try {
    const vmm::Machine refused(kvm(), other, vmm::WatchdogConfig{});
    ADD_FAILURE() << "not refused";
  } catch (const vmm::VmmError& error) {
    EXPECT_EQ(error.kind(), vmm::VmmErrorKind::kBadConfig);
    EXPECT_NE(std::string(error.what()).find("lacks features"), std::string::npos) << error.what();
  }
}

// The kernel's time was the snapshot's at one moment of the restore.
TEST_F(SnapshotTest, TimeGoesOnWhereItStood) {
  ASSERT_NO_FATAL_FAILURE(Start());
  const auto offset = [&] {
    return *machine().memory().Load<uint64_t>(proto::kClockPhys +
                                              offsetof(proto::ClockWords, tsc_offset));
  };
  RunSeed(machine(), 5);
  const uint64_t before = machine().GuestTsc() - offset();
  machine().Restore(snapshot_);
  const uint64_t after = machine().GuestTsc() - offset();
  const uint64_t then = snapshot_->kernel_tsc - offset();
  EXPECT_LE(before, then);
  EXPECT_LE(then, after);
}

TEST_F(SnapshotTest, ASnapshotOfAnotherMachineIsRefused) {
  ASSERT_NO_FATAL_FAILURE(Start());
  const auto foreign = snapshot_;
  ASSERT_NO_FATAL_FAILURE(Start());
  EXPECT_THROW(machine().Restore(foreign), vmm::VmmError);
}

}  // namespace
}  // namespace fv::tests

int main(int argc, char** argv) {
  ::testing::InitGoogleTest(&argc, argv);
  gflags::ParseCommandLineFlags(&argc, &argv, true);
  return RUN_ALL_TESTS();
}
