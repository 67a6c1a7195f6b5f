// SPDX-License-Identifier: Apache-2.0
//
// Bounds, sizes and what stays untouched.
#include "vmm/guest_memory.h"

#include <gtest/gtest.h>
#include <sys/resource.h>

#include "proto/layout.h"
#include "vmm/error.h"

namespace fv::vmm {
namespace {

constexpr uint64_t kSmall = proto::kMinRamBytes;

VmmErrorKind KindOfSize(uint64_t bytes) {
  try {
    const GuestMemory memory(bytes);
  } catch (const VmmError& error) {
    return error.kind();
  }
  ADD_FAILURE() << bytes << " bytes were accepted";
  return VmmErrorKind::kSystem;
}

TEST(GuestMemoryTest, RefusesWrongSizes) {
  EXPECT_EQ(KindOfSize(0), VmmErrorKind::kBadConfig);
  EXPECT_EQ(KindOfSize(kSmall - proto::kHugePageBytes), VmmErrorKind::kBadConfig);
  EXPECT_EQ(KindOfSize(kSmall + proto::kPageBytes), VmmErrorKind::kBadConfig);
  EXPECT_EQ(KindOfSize(proto::kMaxRamBytes + proto::kHugePageBytes), VmmErrorKind::kBadConfig);
}

TEST(GuestMemoryTest, IsAlignedForHugePages) {
  for (uint64_t bytes : {kSmall, kSmall + proto::kHugePageBytes, uint64_t{1} << 32}) {
    const GuestMemory memory(bytes);
    EXPECT_EQ(reinterpret_cast<uintptr_t>(memory.host_base()) % proto::kHugePageBytes, 0u);
    EXPECT_EQ(memory.size(), bytes);
  }
}

TEST(GuestMemoryTest, HostWithoutMemoryIsNamed) {
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_AS, &before), 0);
  const rlimit tight{uint64_t{1} << 32, before.rlim_max};
  ASSERT_EQ(::setrlimit(RLIMIT_AS, &tight), 0);
  const VmmErrorKind kind = KindOfSize(uint64_t{8} << 30);
  ASSERT_EQ(::setrlimit(RLIMIT_AS, &before), 0);
  EXPECT_EQ(kind, VmmErrorKind::kNoMemory);
}

TEST(GuestMemoryTest, LargestSizeIsReservedNotTouched) {
  GuestMemory memory(proto::kMaxRamBytes, HugePages::kNever);
  EXPECT_EQ(memory.size(), proto::kMaxRamBytes);
  EXPECT_EQ(memory.ResidentBytes(), 0u);
  ASSERT_TRUE(memory.Store(proto::kMaxRamBytes - 8, uint64_t{7}));
  EXPECT_EQ(memory.ResidentBytes(), proto::kPageBytes);
}

TEST(GuestMemoryTest, ReadsAndWritesUpToTheLastByte) {
  GuestMemory memory(kSmall);
  ASSERT_TRUE(memory.Store(kSmall - 8, uint64_t{0x1122334455667788}));
  EXPECT_EQ(memory.Load<uint64_t>(kSmall - 8), 0x1122334455667788u);
  EXPECT_EQ(memory.Load<uint8_t>(kSmall - 1), 0x11);
  EXPECT_EQ(memory.Load<uint32_t>(kSmall - 6), 0x33445566u) << "unaligned";
}

TEST(GuestMemoryTest, RefusesEveryRangeThatLeavesRam) {
  GuestMemory memory(kSmall);
  uint64_t word = 0x55;
  EXPECT_FALSE(memory.Read(kSmall, &word, 1));
  EXPECT_FALSE(memory.Read(kSmall - 7, &word, 8));
  EXPECT_FALSE(memory.Read(~uint64_t{0}, &word, 8));
  EXPECT_FALSE(memory.Read(~uint64_t{0} - 3, &word, 8)) << "the end wraps around";
  EXPECT_FALSE(memory.Read(8, &word, ~uint64_t{0})) << "the sum wraps around";
  EXPECT_EQ(word, 0x55u) << "out of a failed read";
  EXPECT_FALSE(memory.Write(kSmall - 7, &word, 8));
  EXPECT_EQ(memory.Load<uint64_t>(kSmall - 8), 0u) << "a failed write wrote nothing";
  EXPECT_TRUE(memory.Read(kSmall, &word, 0));
  EXPECT_THROW(memory.Span(kSmall - 1, 2), VmmError);
}

TEST(GuestMemoryTest, StringsEndAtNulLimitOrRam) {
  GuestMemory memory(kSmall);
  ASSERT_TRUE(memory.Write(100, "hello", 6));
  EXPECT_EQ(memory.LoadString(100, 64), "hello");
  EXPECT_EQ(memory.LoadString(100, 3), "hel");
  EXPECT_EQ(memory.LoadString(kSmall, 3), std::nullopt);
  ASSERT_TRUE(memory.Write(kSmall - 2, "ab", 2));
  EXPECT_EQ(memory.LoadString(kSmall - 2, 2), "ab");
  EXPECT_EQ(memory.LoadString(kSmall - 2, 3), std::nullopt) << "no NUL before the end of RAM";
}

TEST(GuestMemoryTest, ReadingDoesNotAllocate) {
  GuestMemory memory(kSmall, HugePages::kNever);
  EXPECT_EQ(memory.Load<uint64_t>(0x5000), 0u);
  ASSERT_TRUE(memory.Store(0x9000, uint64_t{1}));
  // mincore counts the shared zero page as present; it is no memory of the guest's.
  EXPECT_LE(memory.ResidentBytes(), 2 * proto::kPageBytes);
}

}  // namespace
}  // namespace fv::vmm
