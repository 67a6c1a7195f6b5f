// SPDX-License-Identifier: Apache-2.0
//
// Terminal input: editing of lines, signals, end of file, raw mode, switching between them.
#include "guest/fs/line_discipline.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>

namespace fv::guest {
namespace {

class LineDisciplineTest : public ::testing::Test {
 protected:
  LineDisciplineTest() : line_(new LineDiscipline) { line_->Reset(); }
  // The last signal of the bytes.
  int Type(const std::string& bytes) {
    int last = 0;
    for (const char c : bytes) {
      const int signal = line_->Input(static_cast<uint8_t>(c));
      last = signal != 0 ? signal : last;
    }
    return last;
  }
  std::string Read(size_t room = 4096) {
    std::string out(room, '\0');
    IoBuffer buffer = IoBuffer::Kernel(out.data(), room);
    out.resize(line_->Read(buffer));
    return out;
  }
  void Change(uint32_t clear, uint32_t set = 0) {
    struct termios settings = line_->settings();
    settings.c_lflag = (settings.c_lflag & ~clear) | set;
    line_->SetSettings(settings);
  }
  std::unique_ptr<LineDiscipline> line_;
};

TEST_F(LineDisciplineTest, ALineBecomesReadableWithItsNewline) {
  Type("hel");
  EXPECT_FALSE(line_->readable());
  Type("lo\nnext");
  EXPECT_TRUE(line_->readable());
  EXPECT_EQ(Read(), "hello\n");
  EXPECT_EQ(Read(), "");
}

TEST_F(LineDisciplineTest, AReadEndsAtALineAndALineMayTakeSeveralReads) {
  Type("one\ntwo\n");
  EXPECT_EQ(Read(2), "on");
  EXPECT_EQ(Read(), "e\n");
  EXPECT_EQ(Read(), "two\n");
}

TEST_F(LineDisciplineTest, EditingChangesOnlyTheUnfinishedLine) {
  Type("done\nab\x7f\x7f\x7f\x7fxy\n");
  EXPECT_EQ(Read(), "done\n");
  EXPECT_EQ(Read(), "xy\n");
  Type("one two  \x17three\n");  // ^W
  EXPECT_EQ(Read(), "one three\n");
  Type("gone\x15kept\n");  // ^U
  EXPECT_EQ(Read(), "kept\n");
  Type(
      "a\x16\x7f"
      "b\n");  // ^V makes the next byte data
  EXPECT_EQ(Read(),
            "a\x7f"
            "b\n");
}

TEST_F(LineDisciplineTest, EndOfFileGivesWhatIsThereThenNothing) {
  Type("abc\x04");
  EXPECT_EQ(Read(), "abc");
  EXPECT_FALSE(line_->readable());
  Type("\x04");
  EXPECT_TRUE(line_->readable());
  EXPECT_EQ(Read(), "");
  EXPECT_FALSE(line_->readable());
}

TEST_F(LineDisciplineTest, SignalCharactersFlushUnlessToldNotTo) {
  EXPECT_EQ(Type("typed\x03"), 2);
  EXPECT_EQ(Type("x\n"), 0);
  EXPECT_EQ(Read(), "x\n");
  EXPECT_EQ(Type("\x1c"), 3);
  EXPECT_EQ(Type("\x1a"), 20);
  Change(0, NOFLSH);
  EXPECT_EQ(Type("kept\x03\n"), 2);
  EXPECT_EQ(Read(), "kept\n");
  Change(ISIG);
  EXPECT_EQ(Type("\x03\n"), 0);
  EXPECT_EQ(Read(), "\x03\n");
}

TEST_F(LineDisciplineTest, CarriageReturnIsANewlineAsTheFlagsSay) {
  Type("a\r");
  EXPECT_EQ(Read(), "a\n");
  struct termios settings = line_->settings();
  settings.c_iflag = IGNCR;
  line_->SetSettings(settings);
  Type("a\rb\n");
  EXPECT_EQ(Read(), "ab\n");
}

TEST_F(LineDisciplineTest, RawModePassesEveryByteAtOnce) {
  Change(ICANON | ISIG | ECHO);
  Type("\x03\x7f\x04");
  EXPECT_EQ(line_->committed(), 3u);
  EXPECT_EQ(Read(), "\x03\x7f\x04");
}

TEST_F(LineDisciplineTest, VminSaysWhenARawReadNeedNotWait) {
  Change(ICANON);
  struct termios settings = line_->settings();
  settings.c_cc[VMIN] = 3;
  line_->SetSettings(settings);
  Type("ab");
  EXPECT_FALSE(line_->Satisfies(10));
  EXPECT_TRUE(line_->Satisfies(2));
  Type("c");
  EXPECT_TRUE(line_->Satisfies(10));
}

TEST_F(LineDisciplineTest, SwitchingModesKeepsWhatWasTyped) {
  Type("part");
  Change(ICANON);
  EXPECT_EQ(Read(), "part");
  Type("raw");
  Change(0, ICANON);
  EXPECT_EQ(Read(), "raw");
  EXPECT_FALSE(line_->readable());
}

TEST_F(LineDisciplineTest, ALineThatIsTooLongStillEnds) {
  Type(std::string(3 * LineDiscipline::kCapacity, 'x') + "\n");
  EXPECT_TRUE(line_->readable());
  const std::string got = Read(4 * LineDiscipline::kCapacity);
  EXPECT_EQ(got.size(), LineDiscipline::kLongestLine);
  EXPECT_EQ(got.back(), '\n');
  Type("after\n");
  EXPECT_EQ(Read(), "after\n");
}

TEST_F(LineDisciplineTest, TheRingWrapsManyTimes) {
  for (int i = 0; i < 5000; ++i) {
    const std::string text = "line " + std::to_string(i) + "\n";
    Type(text);
    ASSERT_EQ(Read(), text);
  }
}

// More than a read takes, across the ring's end, with an old line's end in between.
TEST_F(LineDisciplineTest, RawReadsGiveWhatWasTypedInOrder) {
  Type("line\n");
  Change(ICANON | ISIG | ECHO);
  std::string typed = "line\n", got;
  for (int i = 0; got.size() < 3 * LineDiscipline::kCapacity; ++i) {
    const std::string piece(1000, static_cast<char>('a' + i % 26));
    Type(piece);
    typed += piece;
    got += Read(900);
    got += Read(100);
  }
  EXPECT_EQ(got + Read(), typed);
}

class Screen final : public EchoSink {
 public:
  void Echo(uint8_t byte) override { text += static_cast<char>(byte); }
  unsigned Column() const override { return 3; }
  std::string text;
};

TEST_F(LineDisciplineTest, EditingIsShown) {
  Screen screen;
  line_->Reset(&screen);
  Type("a\x01\x7f\x7f\t\x7f\n");
  EXPECT_EQ(screen.text, "a^A\b \b\b \b\b \b\t\b\b\b\b\b\n");
  EXPECT_EQ(Read(), "\n");
}

TEST_F(LineDisciplineTest, StopAndStartAreNoInput) {
  EXPECT_EQ(line_->flow(), OutputFlow::kRunning);
  Type("a\x13");
  EXPECT_EQ(line_->flow(), OutputFlow::kStopped);
  Type("\x11z\n");
  EXPECT_EQ(line_->flow(), OutputFlow::kRunning);
  EXPECT_EQ(Read(), "az\n");
}

}  // namespace
}  // namespace fv::guest
