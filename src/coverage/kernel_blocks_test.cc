// SPDX-License-Identifier: Apache-2.0
//
// Blocks of this build's kernels, and of files that lie.
#include "src/coverage/kernel_blocks.h"

#include <elf.h>
#include <gtest/gtest.h>

#include <cstddef>
#include <cstring>

#include "proto/layout.h"
#include "src/cli/fuzz_kernel.h"
#include "src/cli/guest_kernel.h"

namespace fv::coverage {
namespace {

constexpr char kNames[] = "\0__sancov_cntrs\0__sancov_pcs";
constexpr uint64_t kBlocks = 3;
constexpr uint64_t kCountersAt = 0x2000;

struct File {
  Elf64_Ehdr header{};
  Elf64_Shdr sections[3]{};  // names, counters, addresses
  uint64_t addresses[2 * kBlocks]{};
  char names[sizeof(kNames)]{};
};

File Sample() {
  File file;
  std::memcpy(file.header.e_ident, ELFMAG, SELFMAG);
  file.header.e_shoff = offsetof(File, sections);
  file.header.e_shnum = 3;
  file.sections[0].sh_offset = offsetof(File, names);
  file.sections[1].sh_name = 1;
  file.sections[1].sh_addr = proto::DirectMap(kCountersAt);
  file.sections[1].sh_size = kBlocks;
  file.sections[2].sh_name = 1 + sizeof("__sancov_cntrs");
  file.sections[2].sh_offset = offsetof(File, addresses);
  file.sections[2].sh_size = sizeof(file.addresses);
  for (uint64_t i = 0; i < kBlocks; ++i) {
    file.addresses[2 * i] = 0x1000 + i;
    file.addresses[2 * i + 1] = i == 0 ? 1 : 0;
  }
  std::memcpy(file.names, kNames, sizeof(kNames));
  return file;
}

std::span<const uint8_t> Bytes(const File& file) {
  return {reinterpret_cast<const uint8_t*>(&file), sizeof(file)};
}

TEST(KernelBlocks, OfTheseKernels) {
  EXPECT_EQ(KernelBlocks(embedded::GuestKernel()).size(), 0u);
  const KernelBlocks blocks(embedded::FuzzKernel());
  EXPECT_GT(blocks.size(), 10'000u);
  size_t functions = 0;
  for (const Block& block : blocks.blocks()) functions += block.begins_function ? 1 : 0;
  EXPECT_GT(functions, 1000u);
}

TEST(KernelBlocks, AreFoundAndRead) {
  const File file = Sample();
  const KernelBlocks blocks(Bytes(file));
  ASSERT_EQ(blocks.size(), kBlocks);
  EXPECT_TRUE(blocks.blocks()[0].begins_function);
  EXPECT_FALSE(blocks.blocks()[2].begins_function);
  EXPECT_EQ(blocks.blocks()[2].address, 0x1002u);
  vmm::GuestMemory memory(proto::kMinRamBytes);
  const uint8_t counters[] = {1, 2, 255};
  ASSERT_TRUE(memory.Write(kCountersAt, counters, sizeof(counters)));
  EXPECT_EQ(blocks.Read(memory), std::vector<uint8_t>({1, 2, 255}));
}

TEST(KernelBlocks, CountersOutsideOfMemoryAreNone) {
  File file = Sample();
  for (const uint64_t gpa : {proto::kMinRamBytes - 1, proto::kMinRamBytes, ~proto::kKernelBase}) {
    file.sections[1].sh_addr = proto::DirectMap(gpa);
    EXPECT_TRUE(KernelBlocks(Bytes(file)).Read(vmm::GuestMemory(proto::kMinRamBytes)).empty());
  }
}

TEST(KernelBlocks, SectionsThatDoNotMatchAreNone) {
  for (const auto spoil : {+[](File& file) { file.sections[1].sh_size = kBlocks + 1; },
                           +[](File& file) { file.sections[1].sh_addr = 0x1000; },
                           +[](File& file) { file.sections[2].sh_offset = sizeof(File) - 16; },
                           +[](File& file) { file.sections[2].sh_name = 0; },
                           +[](File& file) {
                             file.sections[1].sh_size = kMaxBlocks + 1;
                             file.sections[2].sh_size = (kMaxBlocks + 1) * 16;
                           }}) {
    File file = Sample();
    spoil(file);
    EXPECT_EQ(KernelBlocks(Bytes(file)).size(), 0u);
  }
}

TEST(KernelCompares, OfTheseKernels) {
  const vmm::GuestMemory memory(proto::kMinRamBytes);
  EXPECT_TRUE(KernelCompares(embedded::GuestKernel()).Read(memory).empty());
  EXPECT_EQ(KernelCompares(embedded::FuzzKernel()).Read(memory),
            std::vector<uint8_t>(kMaxCompares, 0));
}

TEST(KernelBlocks, CountsSinceWrapAround) {
  EXPECT_EQ(CountedSince({1, 255, 0}, {4, 1, 0}), std::vector<uint8_t>({3, 2, 0}));
  EXPECT_EQ(CountedSince({}, {4}), std::vector<uint8_t>({4}));
}

}  // namespace
}  // namespace fv::coverage
