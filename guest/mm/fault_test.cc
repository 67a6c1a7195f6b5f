// SPDX-License-Identifier: Apache-2.0
//
// Faults by kind of mapping and access, memory objects, and the kernel's own access to user memory.
#include "guest/mm/fault.h"

#include <gtest/gtest.h>

#include <cstring>
#include <string>
#include <vector>

#include "guest/mm/frames.h"
#include "guest/mm/testing/test_process.h"
#include "guest/mm/user_buffer.h"

namespace fv::guest {
namespace {

using proto::FrameState;
using testing::FakeMachine;
using testing::kAt;
using testing::kPage;
using testing::kReadWrite;
using testing::TestProcess;

class FaultTest : public ::testing::Test {
 protected:
  void TearDown() override {
    process_.Exit();
    EXPECT_EQ(machine_.CheckInvariants(), "");
  }
  FakeMachine& machine_ = FakeMachine::Get();
  TestProcess process_;
};

TEST_F(FaultTest, ErrorCodes) {
  EXPECT_EQ(FaultAccessOf(0), FaultAccess::kRead);
  EXPECT_EQ(FaultAccessOf(0x7), FaultAccess::kWrite);
  EXPECT_EQ(FaultAccessOf(0x14), FaultAccess::kExec);
}

TEST_F(FaultTest, DemandZero) {
  ASSERT_TRUE(process_.Map(kAt, 2).ok());
  EXPECT_EQ(process_.Fault(kAt + 5, FaultAccess::kRead), FaultResult::kHandled);
  EXPECT_EQ(process_.Pfn(kAt), ZeroPfn());
  EXPECT_EQ(process_->anon_pages, 0u);
  EXPECT_EQ(process_.Fault(kAt + 5, FaultAccess::kWrite), FaultResult::kHandled);
  EXPECT_NE(process_.Pfn(kAt), ZeroPfn());
  EXPECT_EQ(FrameOf(process_.Pfn(kAt)).state, FrameState::kAnon);
  EXPECT_EQ(process_->anon_pages, 1u);
  EXPECT_EQ(process_->faults, 2u);
  EXPECT_EQ(process_.Fault(kAt, FaultAccess::kWrite), FaultResult::kHandled) << "spurious";
}

TEST_F(FaultTest, WalkingThroughALargeMappingBringsPagesAhead) {
  ASSERT_TRUE(process_.Map(kAt, 1000).ok());
  for (uint64_t i = 0; i < 1000; ++i) {
    ASSERT_TRUE(process_.Write(kAt + i * kPage, i));
  }
  EXPECT_LT(process_->faults, 60u);
  EXPECT_EQ(process_->anon_pages, 1000u);
  ASSERT_TRUE(process_.Map(2 * kAt, 200).ok());
  for (uint64_t i = 0; i < 100; ++i) {
    ASSERT_TRUE(process_.Write(2 * kAt + i * kPage, i));
  }
  EXPECT_EQ(process_->anon_pages, 1100u) << "a small one is left alone";
}

TEST_F(FaultTest, WhatIsRefused) {
  ASSERT_TRUE(process_.Map(kAt, 1, proto::kVmRead).ok());
  ASSERT_TRUE(process_.Map(kAt + 2 * kPage, 1, 0).ok());
  EXPECT_EQ(process_.Fault(kAt, FaultAccess::kWrite), FaultResult::kSegvAccErr);
  EXPECT_EQ(process_.Fault(kAt + kPage, FaultAccess::kRead), FaultResult::kSegvMapErr);
  EXPECT_EQ(process_.Fault(kAt + 2 * kPage, FaultAccess::kRead), FaultResult::kSegvAccErr);
  EXPECT_EQ(process_.Fault(0, FaultAccess::kRead), FaultResult::kSegvMapErr);
  EXPECT_EQ(process_.Fault(~uint64_t{0}, FaultAccess::kWrite), FaultResult::kSegvMapErr);
  EXPECT_EQ(process_.Fault(proto::kKernelBase, FaultAccess::kRead), FaultResult::kSegvMapErr);
}

TEST_F(FaultTest, OutOfMemoryIsSaidAndLeavesNothing) {
  ASSERT_TRUE(process_.Map(kAt, 1).ok());
  for (uint64_t nth = 1; nth <= 4; ++nth) {  // three tables and the page
    machine_.FailAllocation(nth);
    EXPECT_EQ(process_.Fault(kAt, FaultAccess::kWrite), FaultResult::kOutOfMemory);
    EXPECT_TRUE(machine_.failed());
    EXPECT_EQ(process_->anon_pages, 0u);
    EXPECT_EQ(machine_.CheckInvariants(), "");
    if (nth < 4) {
      ASSERT_TRUE(process_->Unmap(kAt, kPage).ok());  // the tables made so far go
      ASSERT_TRUE(process_.Map(kAt, 1).ok());
    }
  }
  EXPECT_EQ(process_.Fault(kAt, FaultAccess::kWrite), FaultResult::kHandled);
}

TEST_F(FaultTest, StackGrowth) {
  const uint64_t top = kAt + 0x1000000;
  process_->limits.stack = 16 * kPage;
  ASSERT_TRUE(process_.Map(top - kPage, 1, kReadWrite | proto::kVmGrowsDown).ok());
  EXPECT_EQ(process_.Fault(top - 10 * kPage, FaultAccess::kWrite), FaultResult::kHandled);
  EXPECT_EQ(process_->total_pages, 10u);
  EXPECT_EQ(process_.Fault(top - 17 * kPage, FaultAccess::kWrite), FaultResult::kSegvMapErr)
      << "RLIMIT_STACK";
  // A mapping closer than the guard gap stops the growth.
  ASSERT_TRUE(process_.Map(top - 200 * kPage, 1).ok());
  EXPECT_EQ(process_.Fault(top - 11 * kPage, FaultAccess::kWrite), FaultResult::kSegvMapErr);
  MapRequest request;
  request.address = top - 11 * kPage;
  request.length = kPage;
  request.flags = proto::kVmRead;
  EXPECT_NE(process_->Map(request).value(), top - 11 * kPage) << "no hint into the guard";
}

TEST_F(FaultTest, PrivateFileMapping) {
  std::vector<uint8_t> content(2 * kPage + 100, 0x11);
  Ref<MemoryObject> file = MemoryObject::Create(0).take();
  file->SetBacking(content.data(), content.size());
  ASSERT_TRUE(process_.Map(kAt, 4, kReadWrite, file).ok());
  EXPECT_EQ(process_.Read(kAt), 0x1111111111111111u);
  EXPECT_EQ(FrameOf(process_.Pfn(kAt)).state, FrameState::kFile);
  EXPECT_EQ(process_.Pte(kAt) & proto::kPteWritable, 0u);
  EXPECT_EQ(process_->file_pages, 3u) << "the fault mapped what is near";
  EXPECT_EQ(process_.Read(kAt + 2 * kPage + 96), 0x0000000011111111u) << "zero past the end";
  EXPECT_EQ(process_.Fault(kAt + 3 * kPage, FaultAccess::kRead), FaultResult::kBusAdrErr);
  ASSERT_TRUE(process_.Write(kAt, 1));
  EXPECT_EQ(FrameOf(process_.Pfn(kAt)).state, FrameState::kAnon);
  EXPECT_EQ(process_->file_pages, 2u);
  EXPECT_EQ(process_->anon_pages, 1u);
  uint64_t word = 0;
  EXPECT_EQ(file->ReadKernel(0, &word, 8).value(), 8u);
  EXPECT_EQ(word, 0x1111111111111111u);
}

TEST_F(FaultTest, SharedFileMapping) {
  Ref<MemoryObject> file = MemoryObject::Create(kPage).take();
  ASSERT_TRUE(process_.Map(kAt, 1, kReadWrite | proto::kVmShared, file).ok());
  TestProcess other;
  ASSERT_TRUE(other.Map(kAt, 1, proto::kVmRead | proto::kVmShared, file).ok());
  ASSERT_TRUE(process_.Write(kAt, 77));
  EXPECT_EQ(other.Read(kAt), 77u);
  EXPECT_FALSE(other.Write(kAt, 1));
  const uint64_t word = 88;
  ASSERT_TRUE(file->WriteKernel(0, &word, 8).ok());
  EXPECT_EQ(process_.Read(kAt), 88u);
  EXPECT_EQ(FrameOf(process_.Pfn(kAt)).refs, 3u);
}

TEST_F(FaultTest, TruncationUnmapsEverywhere) {
  Ref<MemoryObject> file = MemoryObject::Create(4 * kPage).take();
  ASSERT_TRUE(process_.Map(kAt, 4, kReadWrite | proto::kVmShared, file).ok());
  TestProcess other;
  ASSERT_TRUE(other.Map(kAt, 4, kReadWrite, file).ok());
  for (uint64_t i = 0; i < 4; ++i) {
    ASSERT_TRUE(process_.Write(kAt + i * kPage + 1000, ~uint64_t{0}));
    ASSERT_TRUE(other.Write(kAt + i * kPage, 5));
  }
  ASSERT_TRUE(file->Resize(kPage + 1004).ok());
  EXPECT_EQ(file->pages, 2u);
  EXPECT_EQ(process_.Fault(kAt + 2 * kPage, FaultAccess::kRead), FaultResult::kBusAdrErr);
  EXPECT_EQ(other.Fault(kAt + 2 * kPage, FaultAccess::kRead), FaultResult::kBusAdrErr);
  EXPECT_EQ(process_.Read(kAt + kPage + 1000), 0x00000000FFFFFFFFu) << "the tail is cleared";
  ASSERT_TRUE(file->Resize(4 * kPage).ok());
  EXPECT_EQ(process_.Read(kAt + 2 * kPage + 1000), 0u);
  EXPECT_EQ(machine_.CheckInvariants(), "");
}

TEST_F(FaultTest, SparseObjects) {
  const testing::Usage before = machine_.CurrentUsage();
  {
    Ref<MemoryObject> file = MemoryObject::Create(0).take();
    const char text[] = "far away";
    for (uint64_t offset : {uint64_t{0}, uint64_t{3} << 21, uint64_t{5} << 31, uint64_t{7} << 41}) {
      ASSERT_EQ(file->WriteKernel(offset, text, sizeof(text)).value(), sizeof(text));
      EXPECT_EQ(file->size(), offset + sizeof(text));
    }
    EXPECT_EQ(file->pages, 4u);
    char read[sizeof(text)];
    ASSERT_EQ(file->ReadKernel(uint64_t{3} << 21, read, sizeof(read)).value(), sizeof(read));
    EXPECT_STREQ(read, text);
    ASSERT_EQ(file->ReadKernel(4096, read, 4).value(), 4u);
    EXPECT_EQ(read[0], 0);
    ASSERT_TRUE(file->Resize(uint64_t{4} << 21).ok());
    EXPECT_EQ(file->pages, 2u);
    ASSERT_TRUE(file->PunchHole(0, 3).ok());
    ASSERT_EQ(file->ReadKernel(0, read, 8).value(), 8u);
    EXPECT_EQ(std::string(read + 3), " away");
    EXPECT_EQ(file->ReadKernel(uint64_t{4} << 21, read, 4).value(), 0u);
    EXPECT_EQ(machine_.CheckInvariants(), "");
  }
  EXPECT_EQ(machine_.CurrentUsage(), before);
}

TEST_F(FaultTest, UserCopiesStopAtTheFirstBadByte) {
  ASSERT_TRUE(process_.Map(kAt, 2).ok());
  std::vector<uint8_t> bytes(3 * kPage, 0xAB);
  EXPECT_EQ(CopyToUser(process_.mm(), kAt + 100, bytes.data(), 2 * kPage).error(), Error(EFAULT));
  EXPECT_EQ(CopyToUserPartial(process_.mm(), kAt + 100, bytes.data(), 3 * kPage), 2 * kPage - 100);
  EXPECT_TRUE(CopyToUser(process_.mm(), kAt + 100, bytes.data(), 2 * kPage - 100).ok());
  std::vector<uint8_t> back(2 * kPage);
  EXPECT_TRUE(CopyFromUser(process_.mm(), back.data(), kAt, 2 * kPage).ok());
  EXPECT_EQ(back[99], 0);
  EXPECT_EQ(back[100], 0xAB);
  EXPECT_EQ(back.back(), 0xAB);
  ASSERT_TRUE(ZeroUser(process_.mm(), kAt + 200, kPage).ok());
  EXPECT_EQ(process_.Read(kAt + 200), 0u);
  EXPECT_EQ(CopyToUserPartial(process_.mm(), proto::kUserEnd - 4, bytes.data(), 8), 0u);
}

TEST_F(FaultTest, UserStrings) {
  ASSERT_TRUE(process_.Map(kAt, 1).ok());
  const uint64_t at = kAt + kPage - 6;
  ASSERT_TRUE(CopyToUser(process_.mm(), at, "hello", 6).ok());
  char text[16];
  EXPECT_EQ(CopyStringFromUser(process_.mm(), at, text, sizeof(text)).value(), 5u);
  EXPECT_STREQ(text, "hello");
  EXPECT_EQ(CopyStringFromUser(process_.mm(), at, text, 5).error(), Error(ENAMETOOLONG));
  EXPECT_EQ(UserStringLength(process_.mm(), at, 100).value(), 5u);
  EXPECT_EQ(UserStringLength(process_.mm(), at, 4).error(), Error(E2BIG));
  ASSERT_TRUE(CopyToUser(process_.mm(), at, "hello!", 6).ok());
  EXPECT_EQ(CopyStringFromUser(process_.mm(), at, text, sizeof(text)).error(), Error(EFAULT));
}

TEST_F(FaultTest, UserBuffersAdvanceThroughRanges) {
  ASSERT_TRUE(process_.Map(kAt, 2).ok());
  const uint64_t to_ranges[] = {kAt + 3000,      5, kAt + 3100,      0,
                                kAt + kPage - 2, 4, kAt + 3 * kPage, 8};
  const uint64_t from_ranges[] = {kAt + 500, 20};
  ASSERT_TRUE(CopyToUser(process_.mm(), kAt, to_ranges, sizeof(to_ranges)).ok());
  ASSERT_TRUE(CopyToUser(process_.mm(), kAt + 200, from_ranges, sizeof(from_ranges)).ok());
  ASSERT_TRUE(CopyToUser(process_.mm(), kAt + 500, "abcdefghijkl", 13).ok());
  UserBuffer from = UserBuffer::FromIovec(process_.mm(), kAt + 200, 1).take();
  UserBuffer to = UserBuffer::FromIovec(process_.mm(), kAt, 4).take();
  EXPECT_EQ(to.remaining(), 17u);
  EXPECT_EQ(UserBuffer::Copy(from, to, 7).value(), 7u);
  EXPECT_EQ(UserBuffer::Copy(from, to, 5).value(), 2u) << "then the bad range";
  EXPECT_EQ(UserBuffer::Copy(from, to, 1).error(), Error(EFAULT));
  char text[10] = {};
  ASSERT_TRUE(CopyFromUser(process_.mm(), text, kAt + 3000, 5).ok());
  ASSERT_TRUE(CopyFromUser(process_.mm(), text + 5, kAt + kPage - 2, 4).ok());
  EXPECT_STREQ(text, "abcdefghi");
  EXPECT_EQ(UserBuffer::FromIovec(process_.mm(), kAt, 1025).error(), Error(EINVAL));
  const uint64_t negative[] = {kAt, ~uint64_t{0}};
  ASSERT_TRUE(CopyToUser(process_.mm(), kAt, negative, sizeof(negative)).ok());
  EXPECT_EQ(UserBuffer::FromIovec(process_.mm(), kAt, 1).error(), Error(EINVAL));
}

TEST_F(FaultTest, AnObjectGrowsBehindWhatWasCopied) {
  Ref<MemoryObject> file = MemoryObject::Create(0).take();
  uint64_t size_meanwhile = 1;
  const auto copies = [&](size_t bytes) {
    return [&, bytes](void*, size_t) {
      size_meanwhile = file->size();
      return bytes;
    };
  };
  EXPECT_EQ(file->Write(0, 100, copies(0)).error(), Error(EFAULT));
  EXPECT_EQ(file->pages, 0u) << "no page is left behind";
  EXPECT_EQ(file->size(), 0u);
  EXPECT_EQ(file->Write(kPage, 100, copies(3)).value(), 3u);
  EXPECT_EQ(size_meanwhile, 0u);
  EXPECT_EQ(file->pages, 1u);
  EXPECT_EQ(file->size(), kPage + 3);
}

TEST_F(FaultTest, CompareExchange) {
  ASSERT_TRUE(process_.Map(kAt, 1).ok());
  EXPECT_EQ(CompareExchangeUser(process_.mm(), kAt, 0, 7).value(), 0u);
  EXPECT_EQ(CompareExchangeUser(process_.mm(), kAt, 0, 9).value(), 7u);
  EXPECT_EQ(process_.Read(kAt), 7u);
  EXPECT_EQ(CompareExchangeUser(process_.mm(), kAt + 2, 0, 9).error(), Error(EINVAL));
  EXPECT_EQ(CompareExchangeUser(process_.mm(), kAt + kPage, 0, 9).error(), Error(EFAULT));
}

}  // namespace
}  // namespace fv::guest
