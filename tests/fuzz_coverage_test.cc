// SPDX-License-Identifier: Apache-2.0
//
// What a program reaches of the guest kernel: its calls' code and no other's, the same every time,
// nothing of the boot. A campaign that is guided by it counts what it reached, and a panic is told
// with the functions that it was in.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>

#include "proto/mutants.h"
#include "src/cli/fuzz_kernel.h"
#include "src/cli/guest_kernel.h"
#include "src/fuzz/campaign.h"
#include "src/fuzz/executor_program.h"
#include "src/fuzz/judge.h"
#include "src/fuzz/mutate.h"
#include "src/fuzz/run.h"
#include "src/fuzz/text.h"
#include "src/inspect/kernel_symbols.h"
#include "vmm/testing/require_kvm.h"

namespace fv::tests {
namespace {

using fuzz::ResetKind;

constexpr char kExit[] = R"(tasks { calls { name: "exit" arguments { flags: "77" } } })";

constexpr char kFork[] = R"(
  tasks {
    calls { name: "vfork" arguments { task: 1 } }
    calls { name: "exit" arguments { flags: "77" } }
  }
  tasks { calls { name: "exit" arguments { flags: "77" } } }
)";

constexpr char kMremap[] = R"(
  tasks {
    calls { name: "mremap" arguments { arena { page: 1 } } arguments { value: 4096 }
            arguments { value: 8192 } arguments { flags: "MREMAP_MAYMOVE" }
            arguments { arena { page: 40 } } }
    calls { name: "exit" arguments { flags: "77" } }
  }
)";

fuzz::Program Parsed(const char* text) {
  absl::StatusOr<fuzz::Program> program = fuzz::ParseText(text);
  EXPECT_TRUE(program.ok()) << program.status();
  return *std::move(program);
}

using Counts = std::vector<uint8_t>;

class FuzzCoverage : public vmm::testing::KvmTest {
 protected:
  static std::unique_ptr<fuzz::GuestRunner> Guest(
      ResetKind reset, oracle::CheckMode check = oracle::CheckMode::kOff) {
    return *fuzz::GuestRunner::Make({.kernel_image = embedded::FuzzKernel(),
                                     .executor = embedded::FuzzExecutor(),
                                     .check = check,
                                     .reset = reset});
  }

  static Counts CountsOf(fuzz::GuestRunner& guest, const fuzz::Program& program) {
    fuzz::GuestRun run = guest.Run(program);
    EXPECT_TRUE(run.results.has_value()) << run.message;
    EXPECT_EQ(run.block_counts.size(), guest.blocks().size());
    return std::move(run.block_counts);
  }

  // Blocks of a function that ran.
  static size_t Reached(const fuzz::GuestRunner& guest, const Counts& counts,
                        const std::string& function) {
    static const inspect::KernelSymbols kSymbols(embedded::FuzzKernel());
    size_t reached = 0;
    for (size_t i = 0; i < counts.size(); ++i) {
      if (counts[i] != 0 && kSymbols.Function(guest.blocks().blocks()[i].address) == function) {
        ++reached;
      }
    }
    return reached;
  }
};

TEST_F(FuzzCoverage, CallsLightTheirOwnBlocks) {
  for (const ResetKind reset : {ResetKind::kBoot, ResetKind::kSnapshot}) {
    const auto guest = Guest(reset);
    const Counts exit = CountsOf(*guest, Parsed(kExit));
    const Counts fork = CountsOf(*guest, Parsed(kFork));
    const Counts mremap = CountsOf(*guest, Parsed(kMremap));
    EXPECT_GT(Reached(*guest, fork, "CopyProcess"), 10u);
    // The executor makes the first task by a fork, and waits for it otherwise than a vfork does.
    EXPECT_GT(Reached(*guest, fork, "sys::vfork"), 0u);
    EXPECT_EQ(Reached(*guest, exit, "sys::vfork"), 0u);
    EXPECT_EQ(Reached(*guest, mremap, "sys::vfork"), 0u);
    EXPECT_GT(Reached(*guest, mremap, "sys::mremap"), 0u);
    EXPECT_EQ(Reached(*guest, exit, "sys::mremap"), 0u);
    EXPECT_EQ(Reached(*guest, fork, "sys::mremap"), 0u);
    EXPECT_EQ(Reached(*guest, fork, "InitTasks"), 0u) << "of the boot";
    EXPECT_NE(std::count(fork.begin(), fork.end(), 0), 0);
  }
}

TEST_F(FuzzCoverage, TheSameProgramCountsTheSame) {
  constexpr uint64_t kPrograms = 40;
  const auto booted = Guest(ResetKind::kBoot);
  const auto restored = Guest(ResetKind::kSnapshot);
  const auto checked = Guest(ResetKind::kSnapshot, oracle::CheckMode::kEvery);
  for (uint64_t seed = 1; seed <= kPrograms && !HasFailure(); ++seed) {
    SCOPED_TRACE(seed);
    fuzz::Random random(seed);
    const fuzz::Program program = fuzz::RandomProgram(random, {});
    const Counts counts = CountsOf(*restored, program);
    EXPECT_GT(std::count_if(counts.begin(), counts.end(), [](uint8_t count) { return count != 0; }),
              100);
    EXPECT_EQ(counts, CountsOf(*restored, program)) << fuzz::ToText(program);
    EXPECT_EQ(counts, CountsOf(*checked, program)) << "the oracle changes what the kernel does";
    if (seed % 8 == 0) EXPECT_EQ(CountsOf(*booted, program), CountsOf(*booted, program));
  }
}

TEST_F(FuzzCoverage, ComparisonsAreNotedTheSameEveryTime) {
  const auto guest = Guest(ResetKind::kSnapshot);
  const std::vector<uint8_t> fork = guest->Run(Parsed(kFork)).compares;
  EXPECT_GT(std::count_if(fork.begin(), fork.end(), [](uint8_t byte) { return byte != 0; }), 100);
  EXPECT_NE(fork, guest->Run(Parsed(kMremap)).compares);
  EXPECT_EQ(fork, guest->Run(Parsed(kFork)).compares);
}

TEST_F(FuzzCoverage, AKernelThatDoesNotCountHasNoCounts) {
  const auto guest = *fuzz::GuestRunner::Make(
      {.kernel_image = embedded::GuestKernel(), .executor = embedded::FuzzExecutor()});
  EXPECT_TRUE(CountsOf(*guest, Parsed(kExit)).empty());
}

TEST_F(FuzzCoverage, APanicNamesItsFunction) {
  const auto judge =
      *fuzz::Judge::Make({.guest = {.kernel_image = embedded::FuzzKernel(),
                                    .executor = embedded::FuzzExecutor(),
                                    .check = oracle::CheckMode::kOff,
                                    .mutant = static_cast<uint32_t>(proto::Mutant::kNoCanary)}});
  const absl::StatusOr<fuzz::Verdict> verdict = judge->Try(Parsed(kFork));
  ASSERT_TRUE(verdict.ok()) << verdict.status();
  ASSERT_TRUE(verdict->finding.has_value());
  EXPECT_EQ(verdict->finding->kind, "panic");
  EXPECT_NE(verdict->finding->place.find(" in FreeTaskStack"), std::string::npos)
      << verdict->finding->Key();
  EXPECT_EQ(verdict->finding->detail.rfind("in FreeTaskStack < ", 0), 0u)
      << verdict->finding->detail;
}

TEST_F(FuzzCoverage, ACampaignCountsWhatItReached) {
  fuzz::CampaignOptions options;
  options.judge.guest = {.kernel_image = embedded::FuzzKernel(),
                         .executor = embedded::FuzzExecutor(),
                         .reset = ResetKind::kSnapshot};
  options.directory = ::testing::TempDir() + "/fuzz_coverage";
  std::filesystem::remove_all(options.directory);
  options.seconds = 0;
  options.programs = 100;
  const absl::StatusOr<fuzz::CampaignState> state = RunCampaign(options, [](const auto&) {});
  ASSERT_TRUE(state.ok()) << state.status();
  EXPECT_EQ(state->block_hits.size(), coverage::KernelBlocks(embedded::FuzzKernel()).size());
  EXPECT_GT(state->BlocksReached(), 1000u);
  EXPECT_EQ(*std::max_element(state->block_hits.begin(), state->block_hits.end()), state->programs);
}

}  // namespace
}  // namespace fv::tests
