// SPDX-License-Identifier: Apache-2.0
//
// A hostile guest: any word of its memory may be anything, and any event that it sends. The checker
// must not crash (run it with --config=asan) or hang; what it finds does not matter here.
#include <gtest/gtest.h>

#include <random>

#include "src/oracle/checker.h"
#include "src/oracle/testing/sample_guest.h"

namespace fv::oracle {
namespace {

using proto::EventKind;
using proto::kPageBytes;
using proto::SafepointKind;
using testing::GuestBuilder;
using testing::GuestPtr;
using testing::kDataAt;
using testing::kHeapAt;
using testing::kSharedAt;

class Hostile : public ::testing::TestWithParam<uint32_t> {};

// A value that looks like something: a bit flip of what is there, a pointer to somewhere in RAM,
// another word of the guest, an extreme.
uint64_t Poison(std::mt19937_64& random, const inspect::MemoryReader& memory, uint64_t old,
                uint64_t other_gpa) {
  switch (random() % 6) {
    case 0:
      return old ^ uint64_t { 1 } << random() % 64;
    case 1:
      return proto::DirectMap(random() % memory.ram_bytes()) & ~uint64_t{7};
    case 2:
      return memory.Word(other_gpa);
    case 3:
      return ~uint64_t{0} << random() % 64;
    case 4:
      return (random() % memory.ram_bytes() & ~uint64_t{0xFFF}) | 0x67;
    default:
      return random();
  }
}

TEST_P(Hostile, AnyWordMayBeAnything) {
  std::mt19937_64 random(GetParam());
  testing::SampleGuest sample;
  GuestBuilder& guest = sample.guest;
  const inspect::MemoryReader memory = guest.memory();
  Checker checker(memory, guest.channel(), {});
  checker.OnSafepoint(SafepointKind::kBoot, guest.dirty());
  // Where kernel structures are: static data, the channel's header, the frame table, slabs, tables.
  const uint64_t low = 0x100000;
  const uint64_t high = guest.header().frame_high_water * kPageBytes;
  const proto::ChannelHeader header = guest.header();
  for (int round = 0; round < 60; ++round) {
    guest.ClearDirty();
    if (round % 4 != 0) {
      guest.header() = header;  // else most rounds would end at a header that is refused
    }
    for (uint64_t damage = 1 + random() % 24; damage > 0; --damage) {
      uint64_t gpa = low + random() % (high - low);
      // Half of the damage goes where most pointers are.
      const GuestPtr targets[] = {
          sample.parent,   sample.child,  sample.mm,
          sample.child_mm, sample.heap,   sample.text,
          sample.file,     sample.shared, proto::DirectMap(testing::kTestChannelGpa)};
      if (random() % 2 == 0) {
        gpa = proto::PhysOfDirectMap(targets[random() % 9]) + random() % 240;
      }
      gpa &= ~uint64_t{7};
      *guest.At<uint64_t>(gpa) =
          Poison(random, memory, memory.Word(gpa), (low + random() % (high - low)) & ~uint64_t{7});
    }
    checker.OnSafepoint(SafepointKind::kSyscall, guest.dirty());
    checker.CheckAll();
  }
}

INSTANTIATE_TEST_SUITE_P(Seeds, Hostile, ::testing::Range(1u, 41u));

// Damaged memory and senseless events together.
TEST(HostileModel, AnyWordAndAnyEventMayBeAnything) {
  for (unsigned seed = 1; seed <= 12; ++seed) {
    std::mt19937_64 random(seed);
    testing::SampleGuest sample;
    GuestBuilder& guest = sample.guest;
    Checker checker(guest.memory(), guest.channel(), {});
    for (const proto::EventRecord& event : guest.TakeEvents()) {
      checker.OnEvent(event);
    }
    checker.OnSafepoint(SafepointKind::kBoot, guest.dirty());
    const proto::ChannelHeader header = guest.header();
    const uint64_t low = 0x100000;
    const uint64_t high = header.frame_high_water * kPageBytes;
    const uint64_t names[] = {sample.mm,  sample.child_mm, sample.file,    sample.shared,
                              kHeapAt,    kDataAt,         kSharedAt,      kHeapAt + kPageBytes,
                              kPageBytes, proto::kUserEnd, ~uint64_t{0},   0,
                              1,          0x10000,         3 * kPageBytes, kHeapAt + 0x100000};
    for (unsigned round = 0; round < 60; ++round) {
      guest.ClearDirty();
      guest.header() = header;
      for (unsigned i = 0; i < 8; ++i) {
        const uint64_t gpa = (low + random() % (high - low)) & ~uint64_t{7};
        *guest.At<uint64_t>(gpa) ^= uint64_t{1} << random() % 64;
      }
      for (unsigned i = 0; i < 200; ++i) {
        const auto kind =
            static_cast<EventKind>(random() % static_cast<unsigned>(EventKind::kCount));
        auto word = [&] { return random() % 8 == 0 ? random() : names[random() % 16]; };
        checker.OnEvent({i, 0, kind, 0, 2, word(), word(), word(), word(), word()});
      }
      checker.OnSafepoint(SafepointKind::kSyscall, guest.dirty());
    }
  }
}

}  // namespace
}  // namespace fv::oracle
