// SPDX-License-Identifier: Apache-2.0
//
// Packets in the forms that the manual gives, and in every wrong one.
#include "src/gdb/packet.h"

#include <gtest/gtest.h>

#include <random>

namespace fv::gdb {
namespace {

std::optional<Input> One(std::string_view bytes) {
  PacketReader reader;
  reader.Feed(bytes);
  return reader.Next();
}

void ExpectPacket(std::string_view bytes, std::string_view data) {
  const std::optional<Input> input = One(bytes);
  ASSERT_TRUE(input) << bytes;
  EXPECT_EQ(input->kind, Input::Kind::kPacket) << bytes;
  EXPECT_EQ(input->data, data);
}

TEST(PacketReader, TakesPackets) {
  ExpectPacket("$OK#9a", "OK");
  ExpectPacket("$#00", "");
  ExpectPacket("noise$g#67", "g");
  ExpectPacket("$OK#9A", "OK");
  // "}\x03" is '#', escaped.
  ExpectPacket(
      "$a}\x03"
      "b#43",
      "a#b");
}

TEST(PacketReader, WaitsForTheRest) {
  PacketReader reader;
  const std::string_view packet = "$m4000,8#95";
  for (size_t i = 0; i + 1 < packet.size(); ++i) {
    reader.Feed(packet.substr(i, 1));
    EXPECT_FALSE(reader.Next()) << i;
  }
  reader.Feed(packet.substr(packet.size() - 1));
  const std::optional<Input> input = reader.Next();
  ASSERT_TRUE(input);
  EXPECT_EQ(input->data, "m4000,8");
  EXPECT_FALSE(reader.Next());
}

TEST(PacketReader, SeesWhatIsBetweenPackets) {
  PacketReader reader;
  reader.Feed("+-\x03$g#67+");
  for (Input::Kind kind : {Input::Kind::kAck, Input::Kind::kNak, Input::Kind::kInterrupt,
                           Input::Kind::kPacket, Input::Kind::kAck}) {
    const std::optional<Input> input = reader.Next();
    ASSERT_TRUE(input);
    EXPECT_EQ(input->kind, kind);
  }
  EXPECT_FALSE(reader.Next());
}

TEST(PacketReader, RefusesWhatIsDamaged) {
  for (const char* bytes : {"$OK#9b", "$OK#zz", "$a}#de"}) {
    const std::optional<Input> input = One(bytes);
    ASSERT_TRUE(input) << bytes;
    EXPECT_EQ(input->kind, Input::Kind::kDamaged) << bytes;
  }
}

TEST(PacketReader, KeepsNoEndlessPacket) {
  PacketReader reader;
  reader.Feed("$" + std::string(3 * kMaxPacketBytes, 'a'));
  const std::optional<Input> input = reader.Next();
  ASSERT_TRUE(input);
  EXPECT_EQ(input->kind, Input::Kind::kDamaged);
  reader.Feed("$g#67");
  EXPECT_EQ(reader.Next()->kind, Input::Kind::kPacket);
}

TEST(FramePacket, IsReadBack) {
  std::string all;
  for (int i = 0; i < 256; ++i) all.push_back(static_cast<char>(i));
  for (const std::string& data : {std::string(), std::string("vCont;c"), all}) {
    ExpectPacket(FramePacket(data), data);
  }
  EXPECT_EQ(FramePacket("OK"), "$OK#9a");
}

// Whatever comes, the reader goes on, and a good packet after a line of rubbish is found unless the
// rubbish has begun one.
TEST(PacketReader, SurvivesRubbish) {
  std::mt19937 random(1);
  for (int round = 0; round < 2000; ++round) {
    PacketReader reader;
    std::string bytes;
    for (int i = 0; i < 40; ++i) bytes.push_back("$#}+-\x03g0f,*"[random() % 11]);
    reader.Feed(bytes);
    size_t inputs = 0;
    while (reader.Next()) ++inputs;
    EXPECT_LE(inputs, bytes.size());
  }
}

TEST(Hex, GoesBothWays) {
  EXPECT_EQ(ToHex("\x01\xff"), "01ff");
  EXPECT_EQ(FromHex("01fF"), std::string("\x01\xff"));
  EXPECT_EQ(FromHex(""), "");
  EXPECT_FALSE(FromHex("1"));
  EXPECT_FALSE(FromHex("1g"));
}

TEST(TakeNumber, TakesHexadecimal) {
  std::string_view text = "1fA,8";
  EXPECT_EQ(TakeNumber(text), 0x1fau);
  EXPECT_EQ(text, ",8");
  EXPECT_FALSE(TakeNumber(text));
  text = "ffffffffffffffff";
  EXPECT_EQ(TakeNumber(text), ~uint64_t{0});
  text = "10000000000000000";
  EXPECT_FALSE(TakeNumber(text));
}

}  // namespace
}  // namespace fv::gdb
