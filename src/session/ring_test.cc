// SPDX-License-Identifier: Apache-2.0
//
// The host's end of the rings, with guest memory but without a guest: the test plays the guest,
// an honest and a hostile one.
#include "src/session/ring.h"

#include <gtest/gtest.h>

#include <vector>

#include "vmm/error.h"

namespace fv::session {
namespace {

constexpr uint64_t kChannel = 0x200000;
constexpr uint64_t kCapacity = 8;

class RingTest : public testing::Test {
 protected:
  RingTest() : memory_(uint64_t{16} << 20) {
    SetHeader(offsetof(proto::ChannelHeader, events),
              {.offset = 4096, .capacity = kCapacity, .produced = 0, .consumed = 0});
    SetHeader(offsetof(proto::ChannelHeader, commands),
              {.offset = 8192, .capacity = kCapacity, .produced = 0, .consumed = 0});
  }
  void SetHeader(uint64_t member, const proto::RingHeader& header) {
    ASSERT_TRUE(memory_.Store(kChannel + member, header));
  }
  RingPlace Events() const {
    return FindRing(memory_, kChannel, offsetof(proto::ChannelHeader, events));
  }
  RingPlace Commands() const {
    return FindRing(memory_, kChannel, offsetof(proto::ChannelHeader, commands));
  }
  void SetProduced(uint64_t value) {
    ASSERT_TRUE(memory_.Store(Events().header_gpa + offsetof(proto::RingHeader, produced), value));
  }
  void Produce(uint64_t sequence, uint64_t a) {
    proto::EventRecord record{};
    record.sequence = sequence;
    record.a = a;
    ASSERT_TRUE(memory_.Store(Events().slots_gpa + sequence % kCapacity * sizeof(record), record));
    SetProduced(sequence + 1);
  }
  uint64_t StoredConsumed(const RingPlace& place) const {
    return memory_.Load<uint64_t>(place.header_gpa + offsetof(proto::RingHeader, consumed)).value();
  }

  vmm::GuestMemory memory_;
};

// A header that a guest left to the next run, in a snapshot.
TEST_F(RingTest, SlotsThatNoMemoryHas) {
  for (const proto::RingHeader& header :
       {proto::RingHeader{.offset = 4096, .capacity = 0, .produced = 0, .consumed = 0},
        proto::RingHeader{
            .offset = 4096, .capacity = uint64_t{1} << 58, .produced = 1, .consumed = 0},
        proto::RingHeader{.offset = 4096, .capacity = ~uint64_t{0}, .produced = 1, .consumed = 0},
        proto::RingHeader{
            .offset = uint64_t{16} << 20, .capacity = 1, .produced = 0, .consumed = 0},
        proto::RingHeader{.offset = 4096, .capacity = 1 << 18, .produced = 0, .consumed = 0}}) {
    SetHeader(offsetof(proto::ChannelHeader, events), header);
    EXPECT_THROW(Events(), vmm::VmmError) << header.offset << ", " << header.capacity;
  }
}

TEST_F(RingTest, ReadsInOrderAcrossTheEnd) {
  RingReader<proto::EventRecord> reader(memory_, Events());
  std::vector<uint64_t> seen;
  const auto visit = [&](const proto::EventRecord& event) { seen.push_back(event.a); };
  uint64_t next = 0;
  for (uint64_t batch : {3, 8, 1, 8, 5}) {
    for (uint64_t i = 0; i < batch; ++i, ++next) Produce(next, 100 + next);
    ASSERT_TRUE(reader.Drain(visit).ok());
    EXPECT_EQ(StoredConsumed(Events()), next) << "the guest may use the slots again";
  }
  ASSERT_EQ(seen.size(), next);
  for (uint64_t i = 0; i < next; ++i) EXPECT_EQ(seen[i], 100 + i);
}

TEST_F(RingTest, AnImpossibleCounterIsAnError) {
  for (uint64_t produced : {kCapacity + 1, ~uint64_t{0}}) {
    RingReader<proto::EventRecord> reader(memory_, Events());
    SetProduced(produced);
    EXPECT_TRUE(absl::IsDataLoss(reader.Drain([](const proto::EventRecord&) { FAIL(); })));
  }
}

TEST_F(RingTest, ACounterThatGoesBackIsAnError) {
  RingReader<proto::EventRecord> reader(memory_, Events());
  Produce(0, 1);
  Produce(1, 2);
  ASSERT_TRUE(reader.Drain([](const proto::EventRecord&) {}).ok());
  SetProduced(1);
  EXPECT_TRUE(absl::IsDataLoss(reader.Drain([](const proto::EventRecord&) { FAIL(); })));
}

TEST_F(RingTest, AWrongSequenceIsAnError) {
  RingReader<proto::EventRecord> reader(memory_, Events());
  Produce(0, 1);
  Produce(1, 2);
  SetProduced(3);  // slot 2 still holds zeros
  int seen = 0;
  EXPECT_TRUE(absl::IsDataLoss(reader.Drain([&](const proto::EventRecord&) { ++seen; })));
  EXPECT_EQ(seen, 2);
}

TEST_F(RingTest, TheGuestCannotMoveARing) {
  RingReader<proto::EventRecord> reader(memory_, Events());
  Produce(0, 42);
  SetHeader(offsetof(proto::ChannelHeader, events),
            {.offset = ~uint64_t{0}, .capacity = 1, .produced = 1, .consumed = 0});
  uint64_t seen = 0;
  ASSERT_TRUE(reader.Drain([&](const proto::EventRecord& event) { seen = event.a; }).ok());
  EXPECT_EQ(seen, 42u);
}

TEST_F(RingTest, ARingOutsideOfRamIsRefused) {
  SetHeader(offsetof(proto::ChannelHeader, events),
            {.offset = uint64_t{16} << 20, .capacity = kCapacity, .produced = 0, .consumed = 0});
  EXPECT_THROW(Events(), vmm::VmmError);
  SetHeader(offsetof(proto::ChannelHeader, events),
            {.offset = 0, .capacity = 0, .produced = 0, .consumed = 0});
  EXPECT_THROW(Events(), vmm::VmmError);
}

TEST_F(RingTest, CommandsFillTheRingAndNoMore) {
  CommandWriter writer(memory_, Commands());
  EXPECT_TRUE(writer.IsEmpty());
  for (uint64_t i = 0; i < kCapacity; ++i) {
    const char byte = static_cast<char>('a' + i);
    ASSERT_TRUE(writer.Push(proto::CommandKind::kInput, &byte, 1));
  }
  EXPECT_FALSE(writer.Push(proto::CommandKind::kInputEnd, nullptr, 0));
  const auto third =
      memory_.Load<proto::CommandRecord>(Commands().slots_gpa + 2 * sizeof(proto::CommandRecord))
          .value();
  EXPECT_EQ(third.sequence, 2u);
  EXPECT_EQ(third.kind, proto::CommandKind::kInput);
  EXPECT_EQ(third.length, 1);
  EXPECT_EQ(third.data[0], 'c');
  // The guest takes two; two fit again, in the first slots.
  ASSERT_TRUE(
      memory_.Store<uint64_t>(Commands().header_gpa + offsetof(proto::RingHeader, consumed), 2));
  EXPECT_EQ(writer.Room(), 2u);
  ASSERT_TRUE(writer.Push(proto::CommandKind::kInputEnd, nullptr, 0));
  EXPECT_EQ(memory_.Load<proto::CommandRecord>(Commands().slots_gpa)->sequence, kCapacity);
}

TEST_F(RingTest, AHostileConsumerStopsTheWriterOnly) {
  CommandWriter writer(memory_, Commands());
  ASSERT_TRUE(
      memory_.Store<uint64_t>(Commands().header_gpa + offsetof(proto::RingHeader, consumed), 5));
  EXPECT_EQ(writer.Room(), 0u) << "more consumed than produced";
  EXPECT_FALSE(writer.Push(proto::CommandKind::kInputEnd, nullptr, 0));
  const std::vector<char> big(CommandWriter::kMaxData + 1);
  ASSERT_TRUE(
      memory_.Store<uint64_t>(Commands().header_gpa + offsetof(proto::RingHeader, consumed), 0));
  EXPECT_FALSE(writer.Push(proto::CommandKind::kInput, big.data(), big.size()));
}

}  // namespace
}  // namespace fv::session
