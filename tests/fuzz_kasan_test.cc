// SPDX-License-Identifier: Apache-2.0
//
// Campaigns with the kernel that checks itself (docs/fuzzing.md): what its programs reach guides
// them, and memory errors and undefined behaviour that are planted in it are found by chance.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "proto/mutants.h"
#include "src/coverage/kernel_blocks.h"
#include "src/fuzz/campaign.h"
#include "src/fuzz/executor_program.h"
#include "src/fuzz/mutate.h"
#include "src/fuzz/text.h"
#include "vmm/testing/require_kvm.h"

namespace fv::tests {
namespace {

namespace fs = std::filesystem;
using proto::Mutant;
using ::testing::Contains;
using ::testing::IsEmpty;
using ::testing::StartsWith;

std::string kernel;

std::span<const uint8_t> Kernel() {
  return {reinterpret_cast<const uint8_t*>(kernel.data()), kernel.size()};
}

class FuzzKasan : public vmm::testing::KvmTest {
 protected:
  static fuzz::CampaignOptions Options(Mutant mutant, uint64_t programs) {
    fuzz::CampaignOptions options;
    options.judge.guest = {.kernel_image = Kernel(),
                           .executor = embedded::FuzzExecutor(),
                           .mutant = static_cast<uint32_t>(mutant),
                           .reset = fuzz::ResetKind::kSnapshot};
    options.directory = ::testing::TempDir() + "/fuzz_kasan";
    fs::remove_all(options.directory);
    options.seconds = 0;
    options.programs = programs;
    return options;
  }
  // The first lines of a campaign's findings.
  static std::vector<std::string> Findings(const fuzz::CampaignOptions& options) {
    std::vector<std::string> findings;
    for (const auto& entry : fs::directory_iterator(options.directory + "/findings")) {
      std::ifstream in(entry.path());
      std::getline(in, findings.emplace_back());
    }
    return findings;
  }
};

TEST_F(FuzzKasan, ACampaignIsGuidedByWhatItsProgramsReach) {
  const fuzz::CampaignOptions options = Options(Mutant::kNone, 100);
  const absl::StatusOr<fuzz::CampaignState> state = RunCampaign(options, [](const auto&) {});
  ASSERT_TRUE(state.ok()) << state.status();
  EXPECT_THAT(Findings(options), IsEmpty());
  const size_t blocks = coverage::KernelBlocks(Kernel()).size();
  EXPECT_GT(blocks, 1000u);
  EXPECT_EQ(state->block_hits.size(), blocks);
  EXPECT_GT(state->BlocksReached(), 1000u);
}

TEST_F(FuzzKasan, TheSameProgramCountsTheSame) {
  const auto guest = *fuzz::GuestRunner::Make(Options(Mutant::kNone, 0).judge.guest);
  for (uint64_t seed = 1; seed <= 10; ++seed) {
    fuzz::Random random(seed);
    const fuzz::Program program = fuzz::RandomProgram(random, {});
    const fuzz::GuestRun run = guest->Run(program);
    EXPECT_NE(std::count(run.compares.begin(), run.compares.end(), 1), 0);
    EXPECT_EQ(run.block_counts, guest->Run(program).block_counts) << fuzz::ToText(program);
  }
}

TEST_F(FuzzKasan, ACampaignFindsWhatIsPlanted) {
  const fuzz::CampaignOptions options = Options(Mutant::kMappingUsedFreed, 600);
  const absl::StatusOr<fuzz::CampaignState> state = RunCampaign(options, [](const auto&) {});
  ASSERT_TRUE(state.ok()) << state.status();
  EXPECT_THAT(Findings(options), Contains(StartsWith("# kasan: slab-use-after-free in ")));
}

struct Planted {
  Mutant mutant;
  const char* program;
  const char* finding;
};
constexpr Planted kPlanted[] = {
    {Mutant::kMappingUsedFreed,
     R"(tasks { calls { name: "munmap" arguments { arena { page: 0 } } arguments { value: 32768 } } })",
     "kasan: slab-use-after-free in "},
    {Mutant::kGroupsOverrun,
     R"(tasks { calls { name: "setgroups" arguments { flags: "2" }
                        arguments { structure { word: 10 } } } })",
     "kasan: slab-out-of-bounds in "},
    {Mutant::kTableUsedFreed,
     R"(tasks { calls { name: "store" arguments { arena { page: 32 } } arguments { value: 1 } }
                calls { name: "munmap" arguments { arena { page: 32 } }
                        arguments { value: 32768 } } })",
     "kasan: frame-use-after-free in "},
    {Mutant::kChunkFreedTwice,
     R"(tasks { calls { name: "eventfd2" arguments { flags: "0" } arguments { flags: "0" } }
                calls { name: "fcntl" arguments { value: 0 } arguments { flags: "F_DUPFD" }
                        arguments { flags: "70" } } })",
     "kasan: double-free in "},
    {Mutant::kSignalShift,
     R"(tasks { calls { name: "kill" arguments { pid: 0 } arguments { flags: "64" } } })",
     "ubsan: shift-out-of-bounds in "},
};

TEST_F(FuzzKasan, WhatIsPlantedIsAFinding) {
  const auto clean = *fuzz::Judge::Make(Options(Mutant::kNone, 0).judge);
  for (const Planted& planted : kPlanted) {
    const absl::StatusOr<fuzz::Program> program = fuzz::ParseText(planted.program);
    ASSERT_TRUE(program.ok()) << program.status() << planted.program;
    const auto judge = *fuzz::Judge::Make(Options(planted.mutant, 0).judge);
    const absl::StatusOr<fuzz::Verdict> verdict = judge->Try(*program);
    ASSERT_TRUE(verdict.ok()) << verdict.status();
    EXPECT_THAT(verdict->finding ? verdict->finding->Key() : "", StartsWith(planted.finding));
    EXPECT_FALSE((*clean->Try(*program)).finding) << planted.program;
  }
}

}  // namespace
}  // namespace fv::tests

int main(int argc, char** argv) {
  ::testing::InitGoogleTest(&argc, argv);
  std::ifstream in(argv[1], std::ios::binary);
  fv::tests::kernel.assign(std::istreambuf_iterator<char>(in), {});
  return RUN_ALL_TESTS();
}
