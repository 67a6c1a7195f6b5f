// SPDX-License-Identifier: Apache-2.0
//
// Unix sockets below the system calls: a stream against a string, datagram borders, descriptors in
// flight, epoll on a socket, and that nothing is left when the ends are gone.
#include <gtest/gtest.h>

#include <random>
#include <string>

#include "guest/fs/anonymous.h"
#include "guest/fs/epoll.h"
#include "guest/fs/eventfd.h"
#include "guest/fs/object.h"
#include "guest/fs/testing/fake_kernel.h"
#include "guest/ipc/unix_socket.h"
#include "guest/mm/testing/fake_machine.h"

namespace fv::guest {
namespace {

using testing::FakeKernel;
using testing::FakeMachine;

constexpr uint32_t kNonblock = 04000;
constexpr uint32_t kPollIn = 1, kPollHup = 0x10;

class SocketTest : public ::testing::Test {
 protected:
  SocketTest() { FakeKernel::Get().signals.clear(); }
  void Pair(SocketType type, uint32_t flags = kNonblock) {
    Ref<UnixSocket> a = UnixSocket::Create(type).take();
    Ref<UnixSocket> b = UnixSocket::Create(type).take();
    ASSERT_TRUE(UnixSocket::Connect(*a, *b).ok());
    a_ = MakeSocketFile(std::move(a), flags).take();
    b_ = MakeSocketFile(std::move(b), flags).take();
  }
  static int64_t Number(const Result<uint64_t>& result) {
    return result.ok() ? static_cast<int64_t>(result.value()) : -result.error().number();
  }
  int64_t Write(File& file, std::string text) {
    IoBuffer from = IoBuffer::Kernel(text.data(), text.size());
    return Number(file.Write(from, position_, {}));
  }
  int64_t Read(File& file, size_t room) {
    got_.assign(room, '\0');
    IoBuffer to = IoBuffer::Kernel(got_.data(), room);
    const int64_t moved = Number(file.Read(to, position_));
    got_.resize(moved > 0 ? static_cast<size_t>(moved) : 0);
    return moved;
  }
  uint64_t position_ = 0;
  std::string got_;
  Ref<File> a_;
  Ref<File> b_;
};

TEST_F(SocketTest, AStreamIsAString) {
  Pair(SocketType::kStream);
  std::mt19937 random(5);
  std::string model;
  for (int step = 0; step < 5000; ++step) {
    if (random() % 2 == 0) {
      std::string text(1 + random() % 40000, static_cast<char>('a' + random() % 26));
      const int64_t moved = Write(*a_, text);
      ASSERT_TRUE(moved > 0 || moved == -EAGAIN);
      model += text.substr(0, moved > 0 ? static_cast<size_t>(moved) : 0);
    } else {
      const size_t room = 1 + random() % 40000;
      const int64_t moved = Read(*b_, room);
      ASSERT_EQ(moved,
                model.empty() ? -EAGAIN : static_cast<int64_t>(std::min(room, model.size())));
      ASSERT_EQ(got_, model.substr(0, got_.size()));
      model.erase(0, got_.size());
    }
  }
}

TEST_F(SocketTest, DatagramsKeepTheirBordersAndQueueTen) {
  Pair(SocketType::kDatagram);
  for (int i = 0; i < 10; ++i) {
    EXPECT_EQ(Write(*a_, std::string(static_cast<size_t>(i), 'x')), i);
  }
  EXPECT_EQ(Write(*a_, "more"), -EAGAIN);
  for (int i = 0; i < 10; ++i) {
    EXPECT_EQ(Read(*b_, 100), i);
  }
  EXPECT_EQ(Read(*b_, 100), -EAGAIN);
}

TEST_F(SocketTest, TheOtherEndGone) {
  Pair(SocketType::kStream);
  Write(*a_, "last words");
  a_ = nullptr;
  EXPECT_EQ(b_->Poll(nullptr) & (kPollIn | kPollHup), kPollIn | kPollHup);
  EXPECT_EQ(Read(*b_, 100), 10);
  EXPECT_EQ(Read(*b_, 100), 0);
  EXPECT_EQ(Write(*b_, "x"), -EPIPE);
  EXPECT_EQ(FakeKernel::Get().signals, std::vector<int>{13});
}

TEST_F(SocketTest, EpollSeesDataAndForgetsClosedFiles) {
  Pair(SocketType::kStream);
  const Ref<File> file = MakeEpoll().take();
  EpollFile& epoll = *EpollOf(*file);
  ASSERT_TRUE(epoll.Add(*b_, 7, {kPollIn, 42}).ok());
  EpollEvent events[4];
  EXPECT_EQ(epoll.Collect(events, 4), 0u);
  Write(*a_, "x");
  ASSERT_EQ(epoll.Collect(events, 4), 1u);
  EXPECT_EQ(uint64_t{events[0].data}, 42u);
  EXPECT_TRUE(epoll.AnyReady()) << "level-triggered: it is still there";
  Read(*b_, 1);
  EXPECT_FALSE(epoll.AnyReady());
  b_ = nullptr;
  EXPECT_EQ(epoll.Delete(*a_, 7).error().number(), ENOENT);
  EXPECT_EQ(epoll.Collect(events, 4), 0u);
}

TEST_F(SocketTest, EpollRefusesLoops) {
  const Ref<File> outer = MakeEpoll().take();
  const Ref<File> inner = MakeEpoll().take();
  EXPECT_TRUE(EpollOf(*outer)->Add(*inner, 1, {kPollIn, 0}).ok());
  EXPECT_EQ(EpollOf(*inner)->Add(*outer, 1, {kPollIn, 0}).error().number(), ELOOP);
  EXPECT_EQ(EpollOf(*outer)->Add(*inner, 1, {kPollIn, 0}).error().number(), EEXIST);
}

TEST_F(SocketTest, DescriptorsInFlightAreClosedWithTheSocket) {
  Pair(SocketType::kStream);
  Ref<File> event = MakeEventfd(0, 0).take();
  SendOptions options;
  options.files = MakeObject<SocketFiles>();
  ASSERT_TRUE(options.files->Add(event).ok());
  std::string text = "with a descriptor";
  IoBuffer from = IoBuffer::Kernel(text.data(), text.size());
  ASSERT_TRUE(SocketOf(*a_)->Send(nullptr, from, options).ok());
  EXPECT_EQ(options.files, nullptr);
  EXPECT_EQ(event->refs(), 2u);
  a_ = nullptr;
  b_ = nullptr;
  EXPECT_EQ(event->refs(), 1u);
}

TEST_F(SocketTest, EveryAllocationFailureIsUndone) {
  const auto attempt = [&] {
    Result<Ref<UnixSocket>> a = UnixSocket::Create(SocketType::kStream);
    Result<Ref<UnixSocket>> b = UnixSocket::Create(SocketType::kStream);
    if (!a.ok() || !b.ok()) {
      return;
    }
    (void)UnixSocket::Connect(*a.value(), *b.value());
    Result<Ref<File>> first = MakeSocketFile(a.value(), kNonblock);
    Result<Ref<File>> second = MakeSocketFile(b.value(), kNonblock);
    if (first.ok() && second.ok()) {
      Write(*first.value(), std::string(50000, 'x'));
    }
    // Without a file nobody closes: the connection is the creator's to undo.
    a.value()->Close();
    b.value()->Close();
  };
  attempt();
  const testing::Usage before = FakeMachine::Get().CurrentUsage();
  for (uint64_t nth = 1; nth < 30; ++nth) {
    FakeMachine::Get().FailAllocation(nth);
    attempt();
    FakeMachine::Get().FailAllocation(0);
    ASSERT_EQ(ToString(before), ToString(FakeMachine::Get().CurrentUsage())) << nth;
  }
}

}  // namespace
}  // namespace fv::guest
