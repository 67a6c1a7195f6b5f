// SPDX-License-Identifier: Apache-2.0
#include "guest/mm/frames.h"

#include <gtest/gtest.h>

#include <cstring>
#include <vector>

#include "guest/mm/slab.h"
#include "guest/mm/testing/fake_machine.h"

namespace fv::guest {
namespace {

using proto::FrameState;
using testing::FakeMachine;

class FramesTest : public ::testing::Test {
 protected:
  FakeMachine& machine_ = FakeMachine::Get();
  const uint64_t free_at_start_ = FreeFrameCount();
};

TEST_F(FramesTest, BlocksAreAlignedAndRecorded) {
  for (unsigned order = 0; order <= kMaxOrder; ++order) {
    Result<uint64_t> pfn = AllocateFrames(order, FrameState::kKernelStack, 77);
    ASSERT_TRUE(pfn.ok());
    EXPECT_EQ(pfn.value() % (1u << order), 0u);
    EXPECT_EQ(FrameOf(pfn.value()).order, order);
    for (uint64_t i = 0; i < 1u << order; ++i) {
      EXPECT_EQ(FrameOf(pfn.value() + i).state, FrameState::kKernelStack);
      EXPECT_EQ(FrameOf(pfn.value() + i).aux, 77u);
      EXPECT_EQ(FrameOf(pfn.value() + i).refs, 1u);
    }
    EXPECT_EQ(FreeFrameCount(), free_at_start_ - (1u << order));
    FreeFrames(pfn.value(), order);
  }
  EXPECT_EQ(FreeFrameCount(), free_at_start_);
  EXPECT_EQ(machine_.CheckInvariants(), "");
}

TEST_F(FramesTest, FreedNeighboursBecomeOneBlockAgain) {
  Result<uint64_t> block = AllocateFrames(kMaxOrder, FrameState::kKernel);
  ASSERT_TRUE(block.ok());
  FreeFrames(block.value(), kMaxOrder);
  std::vector<uint64_t> singles;
  for (unsigned i = 0; i < 1u << kMaxOrder; ++i) {
    singles.push_back(AllocateFrames(0, FrameState::kKernel).take());
  }
  for (size_t i = 0; i < singles.size(); i += 2) {
    FreeFrames(singles[i], 0);
  }
  for (size_t i = 1; i < singles.size(); i += 2) {
    FreeFrames(singles[i], 0);
  }
  const uint64_t high_water = machine_.channel().frame_high_water;
  Result<uint64_t> again = AllocateFrames(kMaxOrder, FrameState::kKernel);
  ASSERT_TRUE(again.ok());
  EXPECT_EQ(machine_.channel().frame_high_water, high_water) << "merged blocks are used first";
  FreeFrames(again.value(), kMaxOrder);
}

TEST_F(FramesTest, ZeroedFramesAreZeroAfterUse) {
  Result<uint64_t> first = AllocateFrames(0, FrameState::kAnon);
  std::memset(FrameData(first.value()), 0xEE, proto::kPageBytes);
  PutFrame(first.value());
  std::vector<uint64_t> frames;
  for (int i = 0; i < 100; ++i) {
    frames.push_back(AllocateZeroedFrame(FrameState::kAnon).take());
    const auto* bytes = static_cast<const uint8_t*>(FrameData(frames.back()));
    for (uint64_t at = 0; at < proto::kPageBytes; ++at) {
      ASSERT_EQ(bytes[at], 0);
    }
  }
  for (uint64_t pfn : frames) {
    PutFrame(pfn);
  }
}

TEST_F(FramesTest, ExhaustionIsAnErrorAndEverythingComesBack) {
  std::vector<uint64_t> frames;
  for (;;) {
    Result<uint64_t> pfn = AllocateFrames(0, FrameState::kKernel);
    if (!pfn.ok()) {
      EXPECT_EQ(pfn.error(), Error(ENOMEM));
      break;
    }
    frames.push_back(pfn.value());
  }
  EXPECT_EQ(FreeFrameCount(), 0u);
  EXPECT_FALSE(AllocateFrames(3, FrameState::kKernel).ok());
  for (uint64_t pfn : frames) {
    FreeFrames(pfn, 0);
  }
  EXPECT_EQ(FreeFrameCount(), free_at_start_);
  EXPECT_EQ(machine_.CheckInvariants(), "");
}

TEST_F(FramesTest, PinsCountTwice) {
  const uint64_t pfn = AllocateFrames(0, FrameState::kAnon).take();
  PinFrame(pfn);
  EXPECT_EQ(FrameOf(pfn).refs, 2u);
  EXPECT_EQ(FrameOf(pfn).pins, 1u);
  PutFrame(pfn);
  UnpinFrame(pfn);
  EXPECT_EQ(FreeFrameCount(), free_at_start_);
}

TEST_F(FramesTest, SlabGivesBackEmptySlabs) {
  static constinit SlabCacheBase cache("test-300", 300, 8);
  std::vector<void*> objects;
  for (int i = 0; i < 1000; ++i) {
    objects.push_back(cache.AllocateObject());
    ASSERT_NE(objects.back(), nullptr);
    std::memset(objects.back(), i & 0xFF, 300);
  }
  EXPECT_EQ(cache.active_objects, 1000u);
  for (int i = 0; i < 1000; ++i) {
    EXPECT_EQ(static_cast<uint8_t*>(objects[i])[299], i & 0xFF) << "objects do not overlap";
    cache.FreeObject(objects[i]);
  }
  EXPECT_EQ(cache.active_objects, 0u);
  EXPECT_EQ(cache.slabs, 1u);
}

TEST_F(FramesTest, KernelMemoryOfEverySize) {
  for (size_t bytes : {1u, 16u, 17u, 2048u, 2049u, 4096u, 5000u, 1u << 20, 4u << 20}) {
    void* memory = KernelAllocateZeroed(bytes);
    ASSERT_NE(memory, nullptr) << bytes;
    EXPECT_EQ(reinterpret_cast<uint64_t>(memory) % 16, 0u);
    std::memset(memory, 0xAA, bytes);
    KernelFree(memory, bytes);
  }
  EXPECT_EQ(KernelAllocate((4u << 20) + 1), nullptr);
}

}  // namespace
}  // namespace fv::guest
