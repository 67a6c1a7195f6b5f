// SPDX-License-Identifier: Apache-2.0
//
// A guest that was brought back to a snapshot does what one does that was booted: the same results,
// the same events, the same findings of the oracle. Where there is no snapshot, guests are booted.
#include "src/fuzz/reset.h"

#include <gtest/gtest.h>

#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "src/cli/guest_kernel.h"
#include "src/fuzz/executor_program.h"
#include "src/fuzz/mutate.h"
#include "src/fuzz/run.h"
#include "src/fuzz/text.h"
#include "vmm/error.h"
#include "vmm/testing/require_kvm.h"

namespace fv::fuzz {
namespace {

using oracle::CheckMode;
using session::ProveReset;

constexpr uint64_t kPrograms = 60;

Program ProgramOf(uint64_t seed) {
  Random random(seed);
  return RandomProgram(random, {});
}

class Recorder final : public RunObserver {
 public:
  void OnEvent(const proto::EventRecord& event) override { events.push_back(event); }
  std::vector<proto::EventRecord> events;
};

class FuzzReset : public vmm::testing::KvmTest {
 protected:
  static std::unique_ptr<GuestRunner> Guest(ResetKind reset, CheckMode check,
                                            ProveReset prove = ProveReset::kOff,
                                            uint64_t event_mask = 0) {
    return *GuestRunner::Make({.kernel_image = embedded::GuestKernel(),
                               .executor = embedded::FuzzExecutor(),
                               .check = check,
                               .event_mask = event_mask,
                               .reset = reset,
                               .prove_reset = prove});
  }

  static void ExpectNothingFound(const GuestRun& run, const Program& program) {
    ASSERT_TRUE(run.results.has_value()) << run.message << "\n" << ToText(program);
    EXPECT_TRUE(run.findings.empty()) << run.findings.front() << "\n" << ToText(program);
    EXPECT_TRUE(run.inexact_reset.empty()) << run.inexact_reset.front();
  }

  static void ExpectSameAsBooted(CheckMode check, uint64_t programs) {
    const auto booted = Guest(ResetKind::kBoot, check);
    const auto restored = Guest(ResetKind::kSnapshot, check, ProveReset::kEvery);
    for (uint64_t seed = 1; seed <= programs && !HasFailure(); ++seed) {
      const Program program = ProgramOf(seed);
      const GuestRun a = booted->Run(program);
      const GuestRun b = restored->Run(program);
      ExpectNothingFound(a, program);
      ExpectNothingFound(b, program);
      EXPECT_EQ(ResultsText(program, *a.results), ResultsText(program, *b.results));
    }
    EXPECT_EQ(booted->reset_stats().boots, programs);
    EXPECT_EQ(restored->reset_stats().boots, 1u);
    EXPECT_EQ(restored->reset_stats().proofs, programs - 1);
  }
};

TEST_F(FuzzReset, GivesTheResultsOfABoot) { ExpectSameAsBooted(CheckMode::kEnd, kPrograms); }

TEST_F(FuzzReset, GivesTheResultsOfABootWithEveryStepChecked) {
  ExpectSameAsBooted(CheckMode::kEvery, kPrograms / 2);
}

// Time stamps included; a boot has more events before.
TEST_F(FuzzReset, GivesTheEventsOfABoot) {
  const auto booted = Guest(ResetKind::kBoot, CheckMode::kOff, ProveReset::kOff, ~uint64_t{0});
  const auto restored =
      Guest(ResetKind::kSnapshot, CheckMode::kOff, ProveReset::kOff, ~uint64_t{0});
  for (uint64_t seed = 1; seed <= kPrograms && !HasFailure(); ++seed) {
    SCOPED_TRACE(seed);
    Recorder a;
    Recorder b;
    (void)booted->Run(ProgramOf(seed), &a);
    (void)restored->Run(ProgramOf(seed), &b);
    ASSERT_GT(b.events.size(), 20u);
    ASSERT_GT(a.events.size(), b.events.size());
    const size_t before = a.events.size() - b.events.size();
    for (size_t i = 0; i < b.events.size(); ++i) {
      ASSERT_EQ(std::memcmp(&a.events[before + i], &b.events[i], sizeof(proto::EventRecord)), 0)
          << "event " << i << " of kind " << static_cast<unsigned>(b.events[i].kind);
    }
  }
}

TEST_F(FuzzReset, WhatWasNotBroughtBackIsToldAndTheGuestBootedAnew) {
  const auto guest = Guest(ResetKind::kSnapshot, CheckMode::kEnd, ProveReset::kEvery);
  const Program program = ProgramOf(1);
  const GuestRun first = guest->Run(program);
  ExpectNothingFound(first, program);
  // The header of the channel, which every run changes.
  auto& machine = static_cast<vmm::Machine&>(guest->machine());
  machine.restorer().LeaveOutForTest(machine.channel_gpa() / proto::kPageBytes);
  const GuestRun second = guest->Run(program);
  ASSERT_EQ(second.inexact_reset.size(), 1u);
  EXPECT_NE(second.inexact_reset[0].find("header of the channel"), std::string::npos);
  ASSERT_TRUE(second.results.has_value());
  EXPECT_EQ(ResultsText(program, *first.results), ResultsText(program, *second.results));
  EXPECT_EQ(guest->reset_stats().boots, 2u);
  ExpectNothingFound(guest->Run(program), program);
  EXPECT_EQ(guest->reset_stats().boots, 2u);
}

TEST_F(FuzzReset, BootsWhereTheExecutorIsNeverReady) {
  constexpr uint8_t kNoProgram[] = "no program";
  const auto guest = *GuestRunner::Make({.kernel_image = embedded::GuestKernel(),
                                         .executor = kNoProgram,
                                         .reset = ResetKind::kSnapshot});
  for (int i = 0; i < 2; ++i) EXPECT_FALSE(guest->Run(ProgramOf(1)).results.has_value());
  EXPECT_EQ(guest->reset_stats().boots, 3u);  // the first to find out
  EXPECT_EQ(guest->reset_stats().resets, 0u);
}

TEST_F(FuzzReset, StartsFromItsOwnFileOnly) {
  GuestRunOptions options{.kernel_image = embedded::GuestKernel(),
                          .executor = embedded::FuzzExecutor(),
                          .check = CheckMode::kEvery,
                          .reset = ResetKind::kSnapshot,
                          .prove_reset = ProveReset::kEvery,
                          .from = ::testing::TempDir() + "/reset_test.snapshot"};
  ASSERT_TRUE(WriteReadySnapshot(options).ok());
  const auto guest = *GuestRunner::Make(options);
  const auto booted = Guest(ResetKind::kBoot, CheckMode::kOff, ProveReset::kOff);
  for (uint64_t seed = 1; seed <= 20 && !HasFailure(); ++seed) {
    const Program program = ProgramOf(seed);
    const GuestRun run = guest->Run(program);
    ExpectNothingFound(run, program);
    EXPECT_EQ(ResultsText(program, *run.results),
              ResultsText(program, *booted->Run(program).results));
  }
  // Another build's executor.
  std::vector<uint8_t> other(options.executor.begin(), options.executor.end());
  other.push_back(0);
  options.executor = other;
  try {
    (void)GuestRunner::Make(options);
    FAIL() << "the file was taken";
  } catch (const vmm::VmmError& error) {
    EXPECT_NE(std::string(error.what()).find("another executor"), std::string::npos);
  }
}

}  // namespace
}  // namespace fv::fuzz
