// SPDX-License-Identifier: Apache-2.0
//
// The same program from the same snapshot gives the same events, byte for byte and time stamps
// included, after whatever program ran in between.
#include <gtest/gtest.h>

#include <cstring>
#include <memory>
#include <vector>

#include "gflags/gflags.h"
#include "src/cli/guest_kernel.h"
#include "src/fuzz/executor_program.h"
#include "src/fuzz/mutate.h"
#include "src/fuzz/run.h"
#include "src/fuzz/text.h"
#include "vmm/testing/require_kvm.h"

DEFINE_uint64(programs, 10'000, "random programs, each run twice");

namespace fv::fuzz {
namespace {

class Recorder final : public RunObserver {
 public:
  void OnEvent(const proto::EventRecord& event) override { events.push_back(event); }
  std::vector<proto::EventRecord> events;
};

bool Same(const std::vector<proto::EventRecord>& a, const std::vector<proto::EventRecord>& b) {
  return a.size() == b.size() &&
         std::memcmp(a.data(), b.data(), a.size() * sizeof(proto::EventRecord)) == 0;
}

using FuzzDeterministic = vmm::testing::KvmTest;

TEST_F(FuzzDeterministic, AProgramGivesTheSameEventsEveryTime) {
  const auto guest = *GuestRunner::Make({.kernel_image = embedded::GuestKernel(),
                                         .executor = embedded::FuzzExecutor(),
                                         .check = oracle::CheckMode::kOff,
                                         .event_mask = ~uint64_t{0},
                                         .reset = ResetKind::kSnapshot});
  const auto events_of = [&](const Program& program) {
    Recorder recorder;
    const GuestRun run = guest->Run(program, &recorder);
    EXPECT_TRUE(run.inexact_reset.empty()) << run.inexact_reset.front();
    return std::move(recorder.events);
  };
  std::vector<proto::EventRecord> before;
  uint64_t events = 0;
  for (uint64_t seed = 1; seed <= FLAGS_programs && !HasFailure(); ++seed) {
    Random random(seed);
    const Program program = RandomProgram(random, {});
    const std::vector<proto::EventRecord> first = events_of(program);
    EXPECT_TRUE(Same(first, events_of(program))) << ToText(program);
    // The comparison is of something.
    EXPECT_FALSE(Same(first, before)) << ToText(program);
    events += first.size();
    before = first;
  }
  EXPECT_GT(events, FLAGS_programs * 20);
}

}  // namespace
}  // namespace fv::fuzz

int main(int argc, char** argv) {
  ::testing::InitGoogleTest(&argc, argv);
  gflags::ParseCommandLineFlags(&argc, &argv, true);
  return RUN_ALL_TESTS();
}
