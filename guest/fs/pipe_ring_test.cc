// SPDX-License-Identifier: Apache-2.0
//
// The ring behind a pipe against a model (a string), and pipes as files.
#include <gtest/gtest.h>

#include <random>
#include <string>

#include "guest/fs/fd_table.h"
#include "guest/fs/testing/fake_kernel.h"
#include "guest/ipc/pipe.h"
#include "guest/mm/testing/fake_machine.h"

namespace fv::guest {
namespace {

using testing::FakeKernel;
using testing::FakeMachine;

constexpr uint32_t kNonblock = 04000;  // O_NONBLOCK
constexpr uint32_t kDirect = 040000;   // O_DIRECT
constexpr uint32_t kPollIn = 1, kPollOut = 4, kPollErr = 8, kPollHup = 16;
constexpr int kSetPipeSize = 1031, kGetPipeSize = 1032;

std::string Text(size_t bytes, unsigned seed) {
  std::string text(bytes, '\0');
  for (size_t i = 0; i < bytes; ++i) {
    text[i] = static_cast<char>('a' + (i + seed) % 26);
  }
  return text;
}

size_t Fill(PipeRing& ring, std::string text) {
  IoBuffer from = IoBuffer::Kernel(text.data(), text.size());
  return ring.Fill(from).value();
}

std::string Drain(PipeRing& ring, size_t room) {
  std::string out(room, '\0');
  IoBuffer to = IoBuffer::Kernel(out.data(), room);
  out.resize(ring.Drain(to).value());
  return out;
}

class PipeRingTest : public ::testing::Test {
 protected:
  PipeRingTest() { FakeKernel::Get(); }
};

TEST_F(PipeRingTest, AgreesWithAStringUnderRandomTraffic) {
  std::mt19937 random(3);
  PipeRing ring;
  ASSERT_TRUE(ring.Init(kPipeDefaultPages).ok());
  std::string model;
  for (int step = 0; step < 20000; ++step) {
    if (random() % 2 == 0) {
      const std::string text = Text(random() % 9000, random() % 26);
      const bool fits = text.size() <= kPipeBuf && ring.RoomFor(text.size());
      const size_t moved = Fill(ring, text);
      if (fits) {
        ASSERT_EQ(moved, text.size()) << "an atomic write that fits goes in whole";
      }
      model += text.substr(0, moved);
    } else {
      const size_t room = random() % 9000;
      const std::string got = Drain(ring, room);
      ASSERT_EQ(got, model.substr(0, std::min(room, model.size())));
      model.erase(0, got.size());
    }
    ASSERT_EQ(ring.bytes(), model.size());
    ASSERT_LE(model.size(), ring.capacity());
  }
}

TEST_F(PipeRingTest, PacketsShareNoPage) {
  PipeRing ring;
  ASSERT_TRUE(ring.Init(2).ok());
  std::string text = "ab";
  const auto fill = [&ring, &text](PipeMode mode) {
    IoBuffer from = IoBuffer::Kernel(text.data(), text.size());
    return ring.Fill(from, mode).value();
  };
  EXPECT_EQ(fill(PipeMode::kPacket), 2u);
  EXPECT_EQ(fill(PipeMode::kStream), 2u) << "a slot of its own";
  EXPECT_TRUE(ring.full());
  EXPECT_TRUE(ring.RoomFor(2, PipeMode::kStream));
  EXPECT_FALSE(ring.RoomFor(2, PipeMode::kPacket));
  EXPECT_EQ(Drain(ring, 10), "ab");
  EXPECT_EQ(fill(PipeMode::kPacket), 2u);
  EXPECT_FALSE(ring.RoomFor(2, PipeMode::kStream)) << "nothing goes behind a packet";
}

TEST_F(PipeRingTest, SmallWritesShareAPage) {
  PipeRing ring;
  ASSERT_TRUE(ring.Init(1).ok());
  for (int i = 0; i < 4096; ++i) {
    ASSERT_EQ(Fill(ring, "x"), 1u) << i;
  }
  EXPECT_EQ(Fill(ring, "y"), 0u);
  EXPECT_EQ(Drain(ring, 5000), std::string(4096, 'x'));
}

TEST_F(PipeRingTest, PeekKeepsTheData) {
  PipeRing ring;
  ASSERT_TRUE(ring.Init(4).ok());
  Fill(ring, Text(6000, 0));
  std::string out(100, '\0');
  IoBuffer to = IoBuffer::Kernel(out.data(), out.size());
  EXPECT_EQ(ring.Peek(to, 4050).value(), 100u);
  EXPECT_EQ(out, Text(6000, 0).substr(4050, 100));
  EXPECT_EQ(ring.bytes(), 6000u);
}

TEST_F(PipeRingTest, ResizeKeepsTheDataOrRefuses) {
  PipeRing ring;
  ASSERT_TRUE(ring.Init(4).ok());
  Fill(ring, Text(12000, 1));
  EXPECT_EQ(ring.Resize(2).error().number(), EBUSY);
  EXPECT_TRUE(ring.Resize(64).ok());
  EXPECT_EQ(Drain(ring, 20000), Text(12000, 1));
  EXPECT_TRUE(ring.Resize(1).ok());
}

TEST_F(PipeRingTest, GivesItsFramesBack) {
  const testing::Usage before = FakeMachine::Get().CurrentUsage();
  {
    PipeRing ring;
    ASSERT_TRUE(ring.Init(16).ok());
    Fill(ring, Text(65536, 0));
    Drain(ring, 5000);
  }
  EXPECT_EQ(ToString(before), ToString(FakeMachine::Get().CurrentUsage()));
}

class PipeFileTest : public ::testing::Test {
 protected:
  PipeFileTest() {
    FakeKernel::Get().signals.clear();
    Make(0);
  }
  void Make(uint32_t flags) {
    PipeEnds ends = MakePipe(flags).take();
    reader_ = std::move(ends.reader);
    writer_ = std::move(ends.writer);
  }
  // The count, or -errno.
  int64_t Write(std::string text) {
    IoBuffer from = IoBuffer::Kernel(text.data(), text.size());
    Result<uint64_t> moved = writer_->Write(from, position_, {});
    return moved.ok() ? static_cast<int64_t>(moved.value()) : -moved.error().number();
  }
  int64_t Read(size_t room) {
    got_.assign(room, '\0');
    IoBuffer to = IoBuffer::Kernel(got_.data(), room);
    Result<uint64_t> moved = reader_->Read(to, position_);
    got_.resize(moved.ok() ? moved.value() : 0);
    return moved.ok() ? static_cast<int64_t>(moved.value()) : -moved.error().number();
  }
  uint64_t position_ = 0;
  std::string got_;
  Ref<File> reader_;
  Ref<File> writer_;
};

TEST_F(PipeFileTest, EndOfFileWhenTheWriterIsGone) {
  EXPECT_EQ(Write("abc"), 3);
  writer_ = nullptr;
  EXPECT_EQ(Read(10), 3);
  EXPECT_EQ(got_, "abc");
  EXPECT_EQ(Read(10), 0);
  EXPECT_EQ(reader_->Poll(nullptr) & (kPollIn | kPollHup), kPollHup);
}

TEST_F(PipeFileTest, BrokenPipeSignalsTheWriter) {
  reader_ = nullptr;
  EXPECT_EQ(Write("abc"), -EPIPE);
  EXPECT_EQ(FakeKernel::Get().signals, std::vector<int>{13});
  EXPECT_NE(writer_->Poll(nullptr) & kPollErr, 0u);
}

TEST_F(PipeFileTest, BlocksOrSaysSo) {
  EXPECT_EQ(Read(1), -kErestartSys) << "it would have slept";
  Make(kNonblock);
  EXPECT_EQ(Read(1), -EAGAIN);
  EXPECT_EQ(Write(Text(100000, 0)), 65536);
  EXPECT_EQ(Write("x"), -EAGAIN);
  EXPECT_EQ(writer_->Poll(nullptr) & kPollOut, 0u);
  EXPECT_EQ(Read(4096), 4096);
  EXPECT_NE(writer_->Poll(nullptr) & kPollOut, 0u);
  EXPECT_EQ(Write(Text(4096, 0)), 4096);
}

TEST_F(PipeFileTest, AnAtomicWriteIsNeverSplit) {
  Make(kNonblock);
  EXPECT_EQ(Write(Text(65536 - 100, 0)), 65536 - 100);
  EXPECT_EQ(Write(Text(101, 0)), -EAGAIN) << "one byte too many for the room at the end";
  EXPECT_EQ(Write(Text(100, 0)), 100);
}

TEST_F(PipeFileTest, PacketsAreReadOneByOne) {
  Make(kDirect);
  EXPECT_EQ(Write("first"), 5);
  EXPECT_EQ(Write("second"), 6);
  EXPECT_EQ(Read(3), 3);
  EXPECT_EQ(got_, "fir");
  EXPECT_EQ(Read(100), 6) << "the rest of a packet is gone";
  EXPECT_EQ(got_, "second");
}

TEST_F(PipeFileTest, SizeIsRoundedToPowersOfTwoPages) {
  EXPECT_EQ(reader_->PipeControl(kGetPipeSize, 0).value(), 65536u);
  EXPECT_EQ(reader_->PipeControl(kSetPipeSize, 5000).value(), 8192u);
  EXPECT_EQ(reader_->PipeControl(kSetPipeSize, 0).value(), 4096u);
  FakeKernel::Get().BecomeUser(1000);
  EXPECT_EQ(reader_->PipeControl(kSetPipeSize, 2 << 20).error().number(), EPERM);
  FakeKernel::Get().BecomeRoot();
  EXPECT_EQ(reader_->PipeControl(kSetPipeSize, 2 << 20).value(), 2u << 20);
}

}  // namespace
}  // namespace fv::guest
