// SPDX-License-Identifier: Apache-2.0
//
// The protocol against a target made up: what GDB asks, and what no GDB would.
#include "src/gdb/protocol.h"

#include <gtest/gtest.h>

#include <map>
#include <random>
#include <set>

#include "src/gdb/packet.h"

namespace fv::gdb {
namespace {

// Two threads; 256 bytes of memory from 0x1000 on.
class FakeTarget final : public Target {
 public:
  FakeTarget() {
    registers[2].Set(kRip, 0x1234);
    registers[3].Set(kRip, 0x5678);
  }
  std::vector<Thread> Threads() override { return {{2, "two"}, {3, "three"}}; }
  ThreadId Current() override { return 2; }
  std::optional<Registers> ReadRegisters(ThreadId thread) override {
    const auto found = registers.find(thread);
    return found == registers.end() ? std::nullopt : std::optional(found->second);
  }
  bool WriteRegisters(ThreadId thread, const Registers& values) override {
    registers[thread] = values;
    return true;
  }
  std::string ReadMemory(ThreadId, uint64_t address, size_t bytes) override {
    if (address < kBase || address >= kBase + memory.size()) return "";
    return memory.substr(address - kBase, bytes);
  }
  bool WriteMemory(ThreadId, uint64_t address, std::string_view bytes) override {
    if (address < kBase || address - kBase > memory.size()) return false;
    if (bytes.size() > memory.size() - (address - kBase)) return false;
    memory.replace(address - kBase, bytes.size(), bytes);
    return true;
  }
  Done InsertBreakpoint(ThreadId, uint64_t address) override {
    breakpoints.insert(address);
    return Done::kYes;
  }
  Done RemoveBreakpoint(uint64_t address) override {
    return breakpoints.erase(address) != 0 ? Done::kYes : Done::kRefused;
  }
  Done InsertWatch(WatchKind, uint64_t, uint64_t) override { return Done::kUnsupported; }
  Done RemoveWatch(WatchKind, uint64_t, uint64_t) override { return Done::kUnsupported; }
  std::string Monitor(ThreadId thread, const std::string& command) override {
    return std::to_string(thread) + " " + command;
  }

  static constexpr uint64_t kBase = 0x1000;
  std::string memory = std::string(256, '\xAA');
  std::map<ThreadId, Registers> registers;
  std::set<uint64_t> breakpoints;
};

class ProtocolTest : public testing::Test {
 protected:
  std::string Ask(std::string_view packet) {
    return protocol_.Handle(packet).data.value_or("(nothing)");
  }
  FakeTarget target_;
  Protocol protocol_{target_};
};

TEST_F(ProtocolTest, DescribesItself) {
  EXPECT_NE(Ask("qSupported:swbreak+;xmlRegisters=i386").find("qXfer:features:read+"),
            std::string::npos);
  std::string xml;
  for (std::string part = "m"; part.front() == 'm';) {
    char request[64];
    snprintf(request, sizeof(request), "qXfer:features:read:target.xml:%zx,100", xml.size());
    part = Ask(request);
    xml += part.substr(1);
  }
  EXPECT_EQ(xml, TargetXml());
  EXPECT_NE(xml.find("<reg name=\"rip\" bitsize=\"64\" type=\"code_ptr\"/>"), std::string::npos);
}

TEST_F(ProtocolTest, RegistersAreOfTheSelectedThread) {
  EXPECT_EQ(Ask("p10"), "3412000000000000");
  EXPECT_EQ(Ask("Hg3"), "OK");
  EXPECT_EQ(Ask("p10"), "7856000000000000");
  EXPECT_EQ(Ask("p0"), "xxxxxxxxxxxxxxxx") << "unknown";
  EXPECT_EQ(Ask("P0=0100000000000000"), "OK");
  EXPECT_EQ(target_.registers[3].Get(kRax), 1u);
  EXPECT_EQ(Ask("Hg9"), "E03");
  const std::string all = Ask("g");
  EXPECT_EQ(Ask("G" + all), "OK");
  EXPECT_EQ(Ask("g"), all);
  EXPECT_EQ(Ask("G00"), "E16");
  EXPECT_EQ(Ask("pfff"), "E16");
}

TEST_F(ProtocolTest, Memory) {
  EXPECT_EQ(Ask("m1000,4"), "aaaaaaaa");
  EXPECT_EQ(Ask("m10fe,8"), "aaaa") << "as much as there is";
  EXPECT_EQ(Ask("m2000,1"), "E0e");
  EXPECT_EQ(Ask("M1001,2:0102"), "OK");
  EXPECT_EQ(Ask("m1000,4"), "aa0102aa");
  EXPECT_EQ(Ask(std::string_view("X1000,2:\0\x7f\0", 11)), "E16") << "one byte too many";
  EXPECT_EQ(Ask(std::string_view("X1000,2:\0\x7f", 10)), "OK");
  EXPECT_EQ(Ask("m1000,2"), "007f");
  EXPECT_EQ(Ask("M10ff,2:0102"), "E0e");
  EXPECT_EQ(Ask("m1000,ffffffffffffffff").size(), 512u);
  EXPECT_EQ(Ask("mffffffffffffffff,8"), "E0e");
}

TEST_F(ProtocolTest, Threads) {
  EXPECT_EQ(Ask("qfThreadInfo"), "m2,3");
  EXPECT_EQ(Ask("qsThreadInfo"), "l");
  EXPECT_EQ(Ask("qThreadExtraInfo,3"), ToHex("three"));
  EXPECT_EQ(Ask("qC"), "QC2");
  EXPECT_EQ(Ask("T3"), "OK");
  EXPECT_EQ(Ask("T4"), "E03");
}

TEST_F(ProtocolTest, Resumes) {
  const Reply go = protocol_.Handle("vCont;c");
  EXPECT_EQ(go.action, Reply::Action::kResume);
  EXPECT_FALSE(go.data);
  EXPECT_FALSE(go.resume.step);
  EXPECT_EQ(protocol_.Handle("vCont;s:3;c").resume.step, ThreadId{3});
  EXPECT_EQ(protocol_.Handle("vCont;s:3;c:-1").resume.step, ThreadId{3});
  EXPECT_EQ(protocol_.Handle("s").resume.step, ThreadId{2});
  EXPECT_EQ(Ask("vCont;s:9"), "E03") << "nobody would ever stop";
  EXPECT_EQ(Ask("vCont;"), "E16");
  EXPECT_EQ(Ask("vCont;r1,2:3"), "E16");
  EXPECT_EQ(protocol_.Handle("D").action, Reply::Action::kDetach);
  EXPECT_EQ(protocol_.Handle("k").action, Reply::Action::kKill);
}

TEST_F(ProtocolTest, TellsOfStops) {
  EXPECT_EQ(protocol_.Stopped({StopReason::Kind::kBreakpoint}), "T05thread:2;swbreak:;");
  EXPECT_EQ(Ask("?"), "T05thread:2;swbreak:;");
  EXPECT_EQ(protocol_.Stopped({StopReason::Kind::kSignal, 2}), "T02thread:2;");
  EXPECT_EQ(Protocol::Exited(3 << 8), "W03");
  EXPECT_EQ(Protocol::Exited(9), "X09");
}

TEST_F(ProtocolTest, Breakpoints) {
  EXPECT_EQ(Ask("Z0,1000,1"), "OK");
  EXPECT_EQ(target_.breakpoints.count(0x1000), 1u);
  EXPECT_EQ(Ask("z0,1000,1"), "OK");
  EXPECT_EQ(Ask("z0,1000,1"), "E0e");
  EXPECT_EQ(Ask("Z2,1000,4"), "") << "no watchpoints here";
  EXPECT_EQ(Ask("Z7,1000,4"), "");
  EXPECT_EQ(Ask("Z0,1000"), "E16");
  EXPECT_EQ(Ask("Z"), "E16");
}

TEST_F(ProtocolTest, Monitor) {
  const Reply reply = protocol_.Handle("qRcmd," + ToHex("ps"));
  EXPECT_EQ(reply.output, "2 ps");
  EXPECT_EQ(reply.data, "OK");
  EXPECT_EQ(Ask("qRcmd,1"), "E16");
}

TEST_F(ProtocolTest, AnswersAnything) {
  EXPECT_EQ(Ask(""), "");
  EXPECT_EQ(Ask("vMustReplyEmpty"), "");
  EXPECT_EQ(Ask("qOffsets"), "");
  std::mt19937 random(1);
  const std::string letters = "?gGpPmMXHTZzcsDkqvRQS0123456789abcdef,;:=-\x01\xff";
  const std::vector<std::string> heads = {
      "",  "qRcmd,", "vCont;", "qXfer:features:read:target.xml:", "Z0,", "Hg", "qThreadExtraInfo,",
      "m", "P"};
  for (int round = 0; round < 20'000; ++round) {
    std::string packet = heads[random() % heads.size()];
    for (size_t i = random() % 24; i > 0; --i) packet.push_back(letters[random() % letters.size()]);
    const Reply reply = protocol_.Handle(packet);
    ASSERT_LE(reply.data.value_or("").size(), kMaxPacketBytes) << packet;
  }
}

}  // namespace
}  // namespace fv::gdb
