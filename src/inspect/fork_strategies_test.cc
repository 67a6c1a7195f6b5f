// SPDX-License-Identifier: Apache-2.0
//
// The strategies of this build's kernel, and of files that lie.
#include "src/inspect/fork_strategies.h"

#include <elf.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstddef>
#include <cstring>
#include <vector>

#include "src/cli/guest_kernel.h"
#include "src/inspect/elf_file.h"

namespace fv::inspect {
namespace {

using ::testing::HasSubstr;

TEST(ForkStrategies, OfThisKernel) {
  const std::span<const uint8_t> kernel = embedded::GuestKernel();
  EXPECT_TRUE(CheckForkStrategy(kernel, proto::kDefaultForkStrategy).ok());
  EXPECT_TRUE(CheckForkStrategy(kernel, "ondemand").ok());
  EXPECT_EQ(MemoryOfFork(kernel, "ondemand"), proto::ForkMemory::kShares);
  EXPECT_EQ(MemoryOfFork(kernel, "eager"), proto::ForkMemory::kCopies);
  const absl::Status lazy = CheckForkStrategy(kernel, "lazy");
  EXPECT_TRUE(absl::IsInvalidArgument(lazy));
  const std::string message(lazy.message());
  EXPECT_THAT(message, HasSubstr("--strategy=lazy: choose one of "));
  for (const ForkStrategy& strategy : ReadForkStrategies(kernel)) {
    EXPECT_THAT(message, HasSubstr(strategy.name));
  }
}

TEST(ForkStrategies, AreThoseOfAGuestThatHasTheSameBytes) {
  const std::span<const uint8_t> kernel = embedded::GuestKernel();
  const SectionTable table = ReadSections(kernel);
  std::vector<uint64_t> ram(proto::kMinRamBytes / sizeof(uint64_t));
  const MemoryReader memory(ram.data(), proto::kMinRamBytes);
  EXPECT_FALSE(HasForkStrategiesOf(memory, kernel));
  for (const Elf64_Shdr& section : table.sections) {
    if (StringAt(kernel, table.names + section.sh_name) != proto::kForkStrategySection) continue;
    auto* const there =
        reinterpret_cast<uint8_t*>(ram.data()) + proto::PhysOfDirectMap(section.sh_addr);
    std::memcpy(there, kernel.data() + section.sh_offset, section.sh_size);
    EXPECT_TRUE(HasForkStrategiesOf(memory, kernel));
    ++*there;
    EXPECT_FALSE(HasForkStrategiesOf(memory, kernel));
    --*there;
  }
  EXPECT_FALSE(HasForkStrategiesOf(memory, {})) << "no kernel at all";
  EXPECT_FALSE(HasForkStrategiesOf(MemoryReader(ram.data(), proto::kPageBytes), kernel));
}

constexpr char kNames[] = "\0fv_fork_strategies";

struct File {
  Elf64_Ehdr header{};
  Elf64_Shdr sections[2]{};  // names, strategies
  proto::ForkStrategyRecord records[2]{};
  char names[sizeof(kNames)];
};

File Sample() {
  File file;
  std::memcpy(file.header.e_ident, ELFMAG, SELFMAG);
  file.header.e_shoff = offsetof(File, sections);
  file.header.e_shnum = 2;
  file.sections[0].sh_offset = offsetof(File, names);
  file.sections[1].sh_name = 1;
  file.sections[1].sh_offset = offsetof(File, records);
  file.sections[1].sh_size = sizeof(File::records);
  std::memset(file.records[0].name, 'x', sizeof(file.records[0].name));
  std::strcpy(file.records[1].name, "one");
  std::memcpy(file.names, kNames, sizeof(kNames));
  return file;
}

std::vector<ForkStrategy> Read(const File& file) {
  return ReadForkStrategies({reinterpret_cast<const uint8_t*>(&file), sizeof(file)});
}

TEST(ForkStrategies, ANameWithoutAnEnd) {
  const std::vector<ForkStrategy> found = Read(Sample());
  ASSERT_EQ(found.size(), 2u);
  EXPECT_EQ(found[0].name, std::string(proto::kForkStrategyNameBytes, 'x'));
  EXPECT_EQ(found[1].name, "one");
}

TEST(ForkStrategies, WhatLiesOutsideIsNotThere) {
  File file = Sample();
  file.sections[1].sh_size = ~uint64_t{0};
  EXPECT_GE(Read(file).size(), 2u);
  file.sections[1].sh_offset = ~uint64_t{0} - 8;
  EXPECT_TRUE(Read(file).empty());
  file = Sample();
  file.sections[0].sh_offset = ~uint64_t{0};
  EXPECT_TRUE(Read(file).empty());
  file = Sample();
  file.header.e_shstrndx = 9;
  EXPECT_TRUE(Read(file).empty());
  file = Sample();
  file.header.e_shoff = ~uint64_t{0} - 3;
  EXPECT_TRUE(Read(file).empty());
  EXPECT_TRUE(ReadForkStrategies({}).empty());
  EXPECT_TRUE(CheckForkStrategy({}, "any").ok()) << "not judged";
}

}  // namespace
}  // namespace fv::inspect
