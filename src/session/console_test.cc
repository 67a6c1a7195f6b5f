// SPDX-License-Identifier: Apache-2.0
//
// Console output and input with pipes in place of the user's descriptors.
#include "src/session/console.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <csignal>
#include <cstring>
#include <thread>

#include "src/session/input.h"
#include "vmm/fd.h"

namespace fv::session {
namespace {

struct Pipe {
  Pipe() {
    int fds[2];
    EXPECT_EQ(pipe2(fds, O_CLOEXEC), 0);
    read = vmm::Fd(fds[0]);
    write = vmm::Fd(fds[1]);
  }
  std::string Take() const {
    char bytes[4096];
    const ssize_t got = ::read(read.get(), bytes, sizeof(bytes));
    return {bytes, got > 0 ? static_cast<size_t>(got) : 0};
  }
  vmm::Fd read, write;
};

proto::ConsoleRecord Record(proto::ConsoleStream stream, std::string_view text) {
  proto::ConsoleRecord record{
      .sequence = 0, .stream = stream, .length = static_cast<uint8_t>(text.size()), .data = {}};
  std::memcpy(record.data, text.data(), std::min(text.size(), sizeof(record.data)));
  return record;
}

class ConsoleTest : public testing::Test {
 protected:
  ConsoleTest()
      : console_({out_.write.get(), err_.write.get()},
                 [this](std::string_view line) { log_.emplace_back(line); }) {
    signal(SIGPIPE, SIG_IGN);
  }
  Pipe out_, err_;
  std::vector<std::string> log_;
  Console console_;
};

TEST_F(ConsoleTest, StreamsGoToTheirDescriptors) {
  console_.Add(Record(proto::ConsoleStream::kStdout, "one "));
  console_.Add(Record(proto::ConsoleStream::kStdout, "two"));
  console_.Add(Record(proto::ConsoleStream::kStderr, "bad"));
  console_.Flush();
  EXPECT_EQ(out_.Take(), "one two");
  EXPECT_EQ(err_.Take(), "bad");
}

TEST_F(ConsoleTest, OrderIsKeptWhenBothStreamsAreOneFile) {
  Console both({out_.write.get(), out_.write.get()}, nullptr);
  both.Add(Record(proto::ConsoleStream::kStdout, "a"));
  both.Add(Record(proto::ConsoleStream::kStderr, "b"));
  both.Add(Record(proto::ConsoleStream::kStdout, "c"));
  both.Flush();
  EXPECT_EQ(out_.Take(), "abc");
}

TEST_F(ConsoleTest, ALyingLengthIsCut) {
  proto::ConsoleRecord record = Record(proto::ConsoleStream::kStdout, std::string(54, 'x'));
  record.length = 255;
  console_.Add(record);
  console_.Flush();
  EXPECT_EQ(out_.Take(), std::string(54, 'x'));
}

TEST_F(ConsoleTest, TheKernelsLogComesInLines) {
  console_.Add(Record(proto::ConsoleStream::kKernelLog, "first\nsec"));
  console_.Add(Record(proto::ConsoleStream::kKernelLog, "ond\n\nrest"));
  EXPECT_EQ(log_, (std::vector<std::string>{"first", "second", ""}));
  for (int i = 0; i < 100; ++i) {
    console_.Add(Record(proto::ConsoleStream::kKernelLog, std::string(54, 'y')));
  }
  EXPECT_GT(log_.size(), 3u) << "a line without an end is cut";
}

TEST_F(ConsoleTest, NobodyReads) {
  out_.read = vmm::Fd();
  console_.Add(Record(proto::ConsoleStream::kStdout, "x"));
  console_.Flush();
  EXPECT_TRUE(console_.closed());
  EXPECT_EQ(console_.failure(), "");
}

TEST_F(ConsoleTest, NowhereToWrite) {
  Console full({open("/dev/full", O_WRONLY | O_CLOEXEC), -1}, nullptr);
  full.Add(Record(proto::ConsoleStream::kStdout, "x"));
  full.Flush();
  EXPECT_EQ(full.failure(), "standard output: No space left on device");
}

TEST(WriteAll, WaitsForASlowReader) {
  const Pipe pipe;
  ASSERT_EQ(fcntl(pipe.write.get(), F_SETFL, O_NONBLOCK), 0);
  const std::string text(300'000, 'z');  // more than a pipe holds
  size_t got = 0;
  std::thread reader([&] {
    while (got < text.size()) got += pipe.Take().size();
  });
  EXPECT_EQ(WriteAll(pipe.write.get(), text), WriteEnd::kDone);
  reader.join();
  EXPECT_EQ(got, text.size());
}

TEST(WriteAll, GivesUpWhereNobodyReads) {
  const Pipe pipe;
  const std::string text(300'000, 'z');
  int asked = 0;
  EXPECT_EQ(WriteAll(pipe.write.get(), text, [&] { return ++asked == 2; }), WriteEnd::kGivenUp);
  EXPECT_EQ(asked, 2);
}

TEST(WriteAll, NoDescriptor) { EXPECT_EQ(WriteAll(-1, "x"), WriteEnd::kFailed); }

class InputTest : public testing::Test {
 protected:
  static constexpr uint64_t kHeader = 0x200000;
  static constexpr uint64_t kSlots = kHeader + 4096;
  static constexpr uint64_t kCapacity = 16;

  InputTest()
      : memory_(uint64_t{16} << 20),
        commands_(memory_, {kHeader, kSlots, kCapacity}),
        input_(pipe_.read.get(), commands_) {}

  void Type(const std::string& text) {
    ASSERT_EQ(write(pipe_.write.get(), text.data(), text.size()),
              static_cast<ssize_t>(text.size()));
  }
  proto::CommandRecord Command(uint64_t index) const {
    return memory_.Load<proto::CommandRecord>(kSlots + index % kCapacity * 64).value();
  }
  uint64_t Produced() const {
    return memory_.Load<uint64_t>(kHeader + offsetof(proto::RingHeader, produced)).value();
  }
  void Consume(uint64_t upto) {
    ASSERT_TRUE(memory_.Store(kHeader + offsetof(proto::RingHeader, consumed), upto));
  }

  Pipe pipe_;
  vmm::GuestMemory memory_;
  CommandWriter commands_;
  Input input_;
};

TEST_F(InputTest, DoesNotWait) {
  input_.Feed();
  EXPECT_EQ(Produced(), 0u);
  EXPECT_TRUE(input_.open());
}

TEST_F(InputTest, CutsWhatIsLong) {
  Type(std::string(54, 'a') + "bc");
  input_.Feed();
  ASSERT_EQ(Produced(), 2u);
  EXPECT_EQ(Command(0).length, 54);
  EXPECT_EQ(Command(1).length, 2);
  EXPECT_EQ(Command(1).data[1], 'c');
}

TEST_F(InputTest, LeavesRoomAndLosesNothing) {
  std::string text;
  for (int i = 0; i < 2000; ++i) text += static_cast<char>('a' + i % 26);
  Type(text);
  pipe_.write = vmm::Fd();
  std::string got;
  uint64_t taken = 0;
  while (input_.open()) {
    input_.Feed();
    EXPECT_LT(Produced() - taken, kCapacity) << "a signal must still fit";
    for (; taken < Produced(); ++taken) {
      const proto::CommandRecord command = Command(taken);
      if (command.kind == proto::CommandKind::kInput) {
        got.append(reinterpret_cast<const char*>(command.data), command.length);
      }
    }
    Consume(taken);
  }
  EXPECT_EQ(got, text);
  EXPECT_EQ(Command(taken - 1).kind, proto::CommandKind::kInputEnd);
  input_.Feed();
  EXPECT_EQ(Produced(), taken) << "the end is said once";
}

TEST_F(InputTest, TheEndOfFileKeyOfATerminalIsNotTheEnd) {
  Type("ab");  // as a terminal gives it: the key pressed behind an unfinished line
  input_.Feed(Input::Source::kLineTerminal);
  ASSERT_EQ(Produced(), 2u);
  EXPECT_EQ(Command(0).length, 2);
  EXPECT_EQ(Command(1).data[0], 4);
  Type("line\n");
  input_.Feed(Input::Source::kLineTerminal);
  ASSERT_EQ(Produced(), 3u) << "a whole line needs no key";
  Type("x");
  input_.Feed(Input::Source::kRawTerminal);
  EXPECT_EQ(Produced(), 4u);
  EXPECT_TRUE(input_.open());
}

// The rest of the line is still to come: nobody has pressed the key.
TEST_F(InputTest, ALineThatTheRingHasNoRoomForIsNotEnded) {
  Type(std::string(1000, 'a') + "\n");
  input_.Feed(Input::Source::kLineTerminal);
  ASSERT_GT(Produced(), 0u);
  for (uint64_t i = 0; i < Produced(); ++i) EXPECT_EQ(Command(i).data[0], 'a') << i;
}

}  // namespace
}  // namespace fv::session
