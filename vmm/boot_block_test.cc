// SPDX-License-Identifier: Apache-2.0
//
// What the guest kernel finds in RAM at boot, and configurations that cannot be booted.
#include "vmm/boot_block.h"

#include <gtest/gtest.h>

#include <vector>

#include "proto/channel.h"
#include "proto/layout.h"
#include "vmm/error.h"
#include "vmm/testing/elf_builder.h"

namespace fv::vmm {
namespace {

using proto::BootInfo;
using proto::ChannelHeader;
using proto::kPageBytes;

struct Parts {
  std::vector<uint8_t> kernel = testing::TinyKernel(std::vector<uint8_t>(16, 0x90));
  std::vector<uint8_t> initrd = std::vector<uint8_t>(10000, 0x77);
};

MachineConfig ConfigOf(const Parts& parts) {
  MachineConfig config;
  config.kernel_image = parts.kernel;
  config.initrd = parts.initrd;
  config.argv = {"sh", "-c", ""};
  config.envp = {"A=1"};
  config.cwd = "/tmp";
  config.exec_path = "/bin/sh";
  return config;
}

BootFacts SomeFacts() {
  BootFacts facts{};
  facts.ring = 3;
  facts.extra_flags = proto::kBootFsgsbase;
  facts.time.tsc_khz = 2'000'000;
  facts.time.boot_tsc = 11;
  facts.time.boot_wall_ns = 12;
  facts.xsave_mask = 7;
  facts.xsave_bytes = 832;
  facts.random_seed = 13;
  return facts;
}

TEST(BootBlockTest, PartsAreInOrderAndDoNotOverlap) {
  const Parts parts;
  GuestMemory memory(proto::kMinRamBytes);
  const BootInfo info = WriteBootBlock(memory, ConfigOf(parts), SomeFacts()).info;
  EXPECT_EQ(info.kernel_root_gpa, info.image_end_gpa);
  EXPECT_GT(info.channel_gpa, info.kernel_root_gpa);
  EXPECT_GE(info.args_gpa, info.channel_gpa + info.channel_bytes);
  EXPECT_GE(info.initrd_gpa, info.args_gpa + info.args_bytes);
  EXPECT_GE(info.first_free_gpa, info.initrd_gpa + info.initrd_bytes);
  for (uint64_t gpa : {info.image_end_gpa, info.kernel_root_gpa, info.channel_gpa, info.args_gpa,
                       info.initrd_gpa, info.first_free_gpa}) {
    EXPECT_EQ(gpa % kPageBytes, 0u);
  }
  for (uint64_t gpa = info.first_free_gpa; gpa < memory.size(); gpa += 8) {
    ASSERT_EQ(memory.Load<uint64_t>(gpa), 0u) << "free RAM reads as zero";
  }
}

TEST(BootBlockTest, InfoIsWhatWasConfigured) {
  const Parts parts;
  GuestMemory memory(proto::kMinRamBytes);
  MachineConfig config = ConfigOf(parts);
  config.boot_flags = proto::kBootSafepoints;
  config.tick_ns = 5;
  config.mutant = 6;
  WriteBootBlock(memory, config, SomeFacts());
  const auto info = *memory.Load<BootInfo>(proto::kBootInfoPhys);
  EXPECT_EQ(info.magic, proto::kBootMagic);
  EXPECT_EQ(info.layout_hash, proto::kLayoutHash);
  EXPECT_EQ(info.flags, uint32_t{proto::kBootSafepoints | proto::kBootFsgsbase});
  EXPECT_EQ(info.ram_bytes, memory.size());
  EXPECT_EQ(info.kernel_ring, 3u);
  EXPECT_EQ(info.tick_ns, 5u);
  EXPECT_EQ(info.mutant, 6u);
  EXPECT_EQ(info.tsc_khz, 2'000'000u);
  EXPECT_EQ(info.boot_tsc, 11u);
  EXPECT_EQ(info.boot_wall_ns, 12u);
  EXPECT_EQ(info.xsave_bytes, 832u);
  EXPECT_EQ(info.random_seed, 13u);
  EXPECT_EQ(info.event_mask, proto::kEventsAlways);
}

TEST(BootBlockTest, StringsStandOneAfterTheOther) {
  const Parts parts;
  GuestMemory memory(proto::kMinRamBytes);
  const BootInfo info = WriteBootBlock(memory, ConfigOf(parts), SomeFacts()).info;
  EXPECT_EQ(info.argc, 3u);
  EXPECT_EQ(info.envc, 1u);
  EXPECT_EQ(memory.LoadString(info.args_gpa, 100), "sh");
  EXPECT_EQ(memory.LoadString(info.args_gpa + 3, 100), "-c");
  EXPECT_EQ(memory.LoadString(info.args_gpa + 6, 100), "");
  EXPECT_EQ(memory.LoadString(info.args_gpa + 7, 100), "A=1");
  EXPECT_EQ(memory.LoadString(info.cwd_gpa, 100), "/tmp");
  EXPECT_EQ(memory.LoadString(info.exec_gpa, 100), "/bin/sh");
  EXPECT_EQ(memory.Load<uint8_t>(info.initrd_gpa + 9999), 0x77);
}

TEST(BootBlockTest, ChannelIsReadyAndItsRingsLieInside) {
  const Parts parts;
  GuestMemory memory(proto::kMinRamBytes);
  const BootInfo info = WriteBootBlock(memory, ConfigOf(parts), SomeFacts()).info;
  const auto header = *memory.Load<ChannelHeader>(info.channel_gpa);
  EXPECT_EQ(header.magic, proto::kChannelMagic);
  EXPECT_EQ(header.layout_hash, proto::kLayoutHash);
  EXPECT_EQ(header.guest_magic, 0u);
  uint64_t end = sizeof(ChannelHeader);
  for (const proto::RingHeader& ring : {header.events, header.console, header.commands}) {
    EXPECT_GE(ring.offset, end);
    EXPECT_EQ(ring.offset % proto::kRingAlign, 0u);
    EXPECT_EQ(ring.capacity & (ring.capacity - 1), 0u);
    end = ring.offset + proto::RingBytes(ring.capacity);
  }
  EXPECT_EQ(end, proto::kRestoreOffset);
}

VmmErrorKind KindOf(const MachineConfig& config) {
  try {
    GuestMemory memory(proto::kMinRamBytes);
    WriteBootBlock(memory, config, SomeFacts());
  } catch (const VmmError& error) {
    return error.kind();
  }
  ADD_FAILURE() << "accepted";
  return VmmErrorKind::kSystem;
}

TEST(BootBlockTest, RefusesWhatDoesNotFit) {
  Parts parts;
  for (uint64_t mib : {11, 14, 15, 16, 64}) {
    parts.initrd.assign(mib << 20, 1);
    EXPECT_EQ(KindOf(ConfigOf(parts)), VmmErrorKind::kBadConfig) << mib;
  }
}

TEST(BootBlockTest, RefusesNulInAnArgument) {
  const Parts parts;
  MachineConfig config = ConfigOf(parts);
  config.argv[1] = std::string("a\0b", 3);
  EXPECT_EQ(KindOf(config), VmmErrorKind::kBadConfig);
}

TEST(BootBlockTest, RefusesABadKernel) {
  Parts parts;
  parts.kernel.resize(10);
  EXPECT_EQ(KindOf(ConfigOf(parts)), VmmErrorKind::kBadImage);
}

}  // namespace
}  // namespace fv::vmm
