// SPDX-License-Identifier: Apache-2.0
//
// Deterministic guests: the same input gives the same events, byte for byte and time stamps
// included; from a snapshot, and from one boot to the next.
#include <gtest/gtest.h>

#include <cstring>
#include <string>
#include <vector>

#include "gflags/gflags.h"
#include "proto/channel.h"
#include "tests/snapshot_fixture.h"

DEFINE_uint32(programs, 300, "random programs, each run twice from a snapshot");

namespace fv::tests {
namespace {

class Recorder final : public session::Observer {
 public:
  void OnEvent(const proto::EventRecord& event) override { events.push_back(event); }
  std::vector<proto::EventRecord> events;
};

void ExpectSame(const Recorder& first, const Recorder& second) {
  ASSERT_EQ(first.events.size(), second.events.size());
  for (size_t i = 0; i < first.events.size(); ++i) {
    ASSERT_EQ(std::memcmp(&first.events[i], &second.events[i], sizeof(proto::EventRecord)), 0)
        << "event " << i << " of kind " << static_cast<unsigned>(first.events[i].kind)
        << ", at cycle " << first.events[i].tsc << " and " << second.events[i].tsc;
  }
}

class DeterministicTest : public SnapshotTest {
 protected:
  void StartDeterministic() {
    Start([](session::GuestOptions& options) {
      options.boot_flags |= proto::kBootDeterministic;
      options.tick_ns = 0;
      options.event_mask = ~uint64_t{0};
    });
  }
};

TEST_F(DeterministicTest, ASnapshotAndAnInputGiveTheSameEvents) {
  ASSERT_NO_FATAL_FAILURE(StartDeterministic());
  size_t events = 0;
  for (uint64_t seed = 1; seed <= FLAGS_programs && !HasFailure(); ++seed) {
    SCOPED_TRACE(seed);
    Recorder first;
    Recorder second;
    const std::string text = RunSeed(machine(), seed, &first);
    machine().Restore(snapshot_);
    EXPECT_EQ(RunSeed(machine(), seed, &second), text);
    machine().Restore(snapshot_);
    ExpectSame(first, second);
    events += first.events.size();
  }
  EXPECT_GT(events, FLAGS_programs * 10);
}

// The comparison is of something: two inputs differ.
TEST_F(DeterministicTest, AnotherInputGivesOtherEvents) {
  ASSERT_NO_FATAL_FAILURE(StartDeterministic());
  Recorder first;
  Recorder second;
  RunSeed(machine(), 1, &first);
  machine().Restore(snapshot_);
  RunSeed(machine(), 2, &second);
  const bool same = first.events.size() == second.events.size() &&
                    std::memcmp(first.events.data(), second.events.data(),
                                first.events.size() * sizeof(proto::EventRecord)) == 0;
  EXPECT_FALSE(same);
}

TEST_F(DeterministicTest, EveryBootIsTheSame) {
  Recorder recorders[2];
  for (Recorder& recorder : recorders) {
    ASSERT_NO_FATAL_FAILURE(StartDeterministic());
    RunSeed(machine(), 11, &recorder);
  }
  ExpectSame(recorders[0], recorders[1]);
}

TEST_F(DeterministicTest, EveryMachineOfASnapshotDoesTheSame) {
  ASSERT_NO_FATAL_FAILURE(StartDeterministic());
  Recorder recorders[2];
  for (Recorder& recorder : recorders) {
    vmm::Machine other(kvm(), snapshot_, vmm::WatchdogConfig{});
    RunSeed(other, 12, &recorder);
  }
  ExpectSame(recorders[0], recorders[1]);
}

}  // namespace
}  // namespace fv::tests

int main(int argc, char** argv) {
  ::testing::InitGoogleTest(&argc, argv);
  gflags::ParseCommandLineFlags(&argc, &argv, true);
  return RUN_ALL_TESTS();
}
