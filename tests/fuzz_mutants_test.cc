// SPDX-License-Identifier: Apache-2.0
//
// The fuzzer's own test: with a bug planted in the kernel (proto/mutants.h), of which it knows
// nothing, a short campaign finds it, minimises it, and the finding can be replayed.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include "proto/mutants.h"
#include "src/fuzz/campaign.h"
#include "src/fuzz/executor_program.h"
#include "src/fuzz/text.h"
#include "vmm/testing/require_kvm.h"

namespace fv::tests {
namespace {

namespace fs = std::filesystem;

std::string kernel;

class FuzzMutants : public vmm::testing::KvmTest {};

TEST_F(FuzzMutants, EntriesLeftByMunmapAreFound) {
  fuzz::CampaignOptions options;
  options.judge.guest = {
      .kernel_image = {reinterpret_cast<const uint8_t*>(kernel.data()), kernel.size()},
      .executor = embedded::FuzzExecutor(),
      .check = oracle::CheckMode::kEvery,
      .mutant = static_cast<uint32_t>(proto::Mutant::kUnmapKeepsEntries)};
  options.directory = ::testing::TempDir() + "/fuzz_mutants";
  fs::remove_all(options.directory);
  options.seconds = 0;
  options.programs = 200;
  const absl::StatusOr<fuzz::CampaignState> state = RunCampaign(options, [](const auto&) {});
  ASSERT_TRUE(state.ok()) << state.status();
  EXPECT_GT(state->found, 0u);
  EXPECT_GT(state->features, 0u);
  size_t shown = 0;
  for (const auto& entry : fs::directory_iterator(options.directory + "/findings")) {
    std::ifstream in(entry.path());
    const std::string text{std::istreambuf_iterator<char>(in), {}};
    const absl::StatusOr<fuzz::Program> program = fuzz::ParseText(text);
    ASSERT_TRUE(program.ok()) << text;
    EXPECT_EQ(text.rfind("# oracle: I", 0), 0u) << text;
    absl::StatusOr<std::unique_ptr<fuzz::Judge>> judge = fuzz::Judge::Make(options.judge);
    ASSERT_TRUE(judge.ok()) << judge.status();
    const absl::StatusOr<fuzz::Verdict> verdict = (*judge)->Try(*program);
    ASSERT_TRUE(verdict.ok()) << verdict.status();
    EXPECT_TRUE(verdict->finding) << text;
    ++shown;
  }
  EXPECT_EQ(shown, state->found);
}

}  // namespace
}  // namespace fv::tests

int main(int argc, char** argv) {
  ::testing::InitGoogleTest(&argc, argv);
  std::ifstream in(argv[1], std::ios::binary);
  fv::tests::kernel.assign(std::istreambuf_iterator<char>(in), {});
  return RUN_ALL_TESTS();
}
