// SPDX-License-Identifier: Apache-2.0
//
// What the host believes of a channel, and the text of what it reads there.
#include "src/inspect/channel_view.h"

#include <gtest/gtest.h>

#include "src/inspect/render.h"
#include "src/oracle/testing/guest_builder.h"

namespace fv::inspect {
namespace {

using oracle::testing::GuestBuilder;
using oracle::testing::kTestChannelGpa;

class ChannelViewTest : public ::testing::Test {
 protected:
  bool Opens() {
    return ChannelView::Open(guest_.memory(), kTestChannelGpa, proto::kChannelBytes).ok();
  }
  void Produce(proto::EventKind kind, uint64_t sequence) {
    const proto::RingHeader& ring = guest_.header().events;
    auto* record = guest_.At<proto::EventRecord>(kTestChannelGpa + ring.offset +
                                                 64 * (sequence & (ring.capacity - 1)));
    *record = {sequence, 0, kind, 0, 7, 1, 0x2000, 0, 0, 0};
    ++guest_.header().events.produced;
  }

  GuestBuilder guest_{uint64_t{32} << 20};
};

TEST_F(ChannelViewTest, AcceptsItsOwnBuildOnly) {
  EXPECT_TRUE(Opens());
  guest_.header().layout_hash ^= 1;
  EXPECT_FALSE(Opens());
  guest_.header().layout_hash ^= 1;
  guest_.header().version += 1;
  EXPECT_FALSE(Opens());
  guest_.header().version -= 1;
  guest_.header().magic = 0;
  EXPECT_FALSE(Opens());
}

TEST_F(ChannelViewTest, RefusesRingsThatLeaveTheChannel) {
  guest_.header().events.capacity = 3;
  EXPECT_FALSE(Opens());
  guest_.header().events.capacity = proto::kEventCapacity;
  guest_.header().console.offset = proto::kChannelBytes - 64;
  EXPECT_FALSE(Opens());
  EXPECT_FALSE(ChannelView::Open(guest_.memory(), guest_.ram_bytes(), 4096).ok());
  EXPECT_FALSE(ChannelView::Open(guest_.memory(), ~uint64_t{0xFFF}, 4096).ok());
}

TEST_F(ChannelViewTest, RefusesRootsThatLeaveRam) {
  const ChannelView view = guest_.channel();
  EXPECT_TRUE(view.LiveHeader().ok());
  guest_.header().frame_count += 1;
  EXPECT_FALSE(view.LiveHeader().ok());
  guest_.header().frame_count -= 1;
  guest_.header().frame_table = proto::DirectMap(guest_.ram_bytes() - 4096);
  EXPECT_FALSE(view.LiveHeader().ok());
  guest_.header().guest_magic = 0;
  EXPECT_FALSE(view.LiveHeader().ok());
}

TEST_F(ChannelViewTest, DrainsInOrderOnce) {
  const ChannelView view = guest_.channel();
  std::vector<proto::EventRecord> events;
  Produce(proto::EventKind::kMark, 0);
  Produce(proto::EventKind::kExit, 1);
  auto cursor = view.DrainEvents(0, events);
  ASSERT_TRUE(cursor.ok());
  EXPECT_EQ(*cursor, 2u);
  Produce(proto::EventKind::kMark, 2);
  cursor = view.DrainEvents(*cursor, events);
  ASSERT_TRUE(cursor.ok());
  ASSERT_EQ(events.size(), 3u);
  EXPECT_EQ(events[1].kind, proto::EventKind::kExit);
  EXPECT_EQ(view.LastEvents(2).front().sequence, 1u);
}

TEST_F(ChannelViewTest, RefusesGapsAndRunaways) {
  const ChannelView view = guest_.channel();
  std::vector<proto::EventRecord> events;
  Produce(proto::EventKind::kMark, 0);
  Produce(proto::EventKind::kMark, 5);  // slot 5, but counted as the second
  EXPECT_FALSE(view.DrainEvents(0, events).ok());
  guest_.header().events.produced = proto::kEventCapacity + 1;
  EXPECT_FALSE(view.DrainEvents(0, events).ok());
  EXPECT_FALSE(view.DrainEvents(~uint64_t{0}, events).ok());
}

TEST(RenderTest, EventsAndEntries) {
  proto::EventRecord event = {3, 0, proto::EventKind::kForkPhase, 0, 7, 5, 0x2000, 0, 0, 0};
  EXPECT_EQ(EventText(event).find("#3 pid 7 fork-phase phase=tables cycles=8192"), 0u);
  event.b = 100'000;
  EXPECT_EQ(EventText(event), "#3 pid 7 fork-phase phase=tables cycles=100000 free_frames=0");
  event.kind = proto::EventKind::kReap;
  event.a = 2;
  event.b = 0x700;
  EXPECT_EQ(EventText(event), "#3 pid 7 reap pid=2 status=0x700");
  event.kind = proto::EventKind::kSyscallExit;
  event.b = static_cast<uint64_t>(-2);
  EXPECT_EQ(EventText(event), "#3 pid 7 syscall-exit nr=2(open) result=-2");
  event.kind = static_cast<proto::EventKind>(999);
  EXPECT_EQ(EventText(event), "#3 pid 7 unknown-event-999");
  EXPECT_EQ(PteText(0x12ab227), "0x12ab227 PWC--UXA- frame 0x12ab");
  EXPECT_EQ(PteText(0), "0x0 ------X-- frame 0x0");
  proto::FrameRecord frame = {2, proto::FrameState::kAnon, 0, 1, 0};
  EXPECT_EQ(FrameText(0x10, frame), "frame 0x10 anon refs 2 pins 1");
  proto::VmaRecord vma = {};
  vma.start = 0x1000;
  vma.end = 0x3000;
  vma.flags = proto::kVmRead | proto::kVmShared | proto::kVmDontCopy;
  EXPECT_EQ(VmaText(vma), "0000000000001000-0000000000003000 r--s dont-copy");
}

TEST(RenderTest, NamesFromTheGuestArePrintable) {
  proto::TaskRecord task = {};
  const char evil[16] = {'s', 'h', '\x1b', '[', '3', '1', 'm'};
  __builtin_memcpy(task.comm, evil, sizeof(evil));
  EXPECT_EQ(CommText(task), "sh?[31m");
}

}  // namespace
}  // namespace fv::inspect
