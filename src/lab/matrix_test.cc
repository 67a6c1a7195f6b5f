// SPDX-License-Identifier: Apache-2.0
//
// --vary: what it says, what it refuses, and the cells that come of it.
#include "src/lab/matrix.h"

#include <gtest/gtest.h>

#include <set>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"

namespace fv::lab {
namespace {

using bench::Touch;

absl::StatusOr<uint64_t> Bytes(std::string_view, std::string_view text) {
  uint64_t bytes = 0;
  if (absl::SimpleAtoi(absl::string_view(text.data(), text.size()), &bytes)) return bytes;
  return absl::InvalidArgumentError("no size");
}

AxisDefaults Defaults() {
  Matrix fixed{{"classic"}, {1 << 20}, {Touch::kWrite}, {1}, {0}, {1}, true};
  Matrix varied = fixed;
  varied.strategies = {"classic", "eager"};
  varied.depths = {0, 3};
  return {fixed, varied};
}

absl::StatusOr<Matrix> Parse(std::string_view text) { return ParseVary(text, Defaults(), &Bytes); }

void ExpectRefused(std::string_view text, const std::string& why) {
  const absl::StatusOr<Matrix> matrix = Parse(text);
  ASSERT_FALSE(matrix.ok()) << text;
  EXPECT_NE(std::string(matrix.status().message()).find(why), std::string::npos) << matrix.status();
}

TEST(ParseVary, AxesHaveValuesOrTheirDefaults) {
  const absl::StatusOr<Matrix> matrix = Parse("size:0+8192,strategy,depth,touch:read+none,vmas:2");
  ASSERT_TRUE(matrix.ok()) << matrix.status();
  EXPECT_EQ(matrix->sizes, (std::vector<uint64_t>{0, 8192}));
  EXPECT_EQ(matrix->strategies, (std::vector<std::string>{"classic", "eager"}));
  EXPECT_EQ(matrix->depths, (std::vector<uint64_t>{0, 3}));
  EXPECT_EQ(matrix->touches, (std::vector<Touch>{Touch::kRead, Touch::kNone}));
  EXPECT_EQ(matrix->vmas, (std::vector<uint64_t>{2}));
  EXPECT_EQ(matrix->dirty, (std::vector<uint64_t>{1}));
}

TEST(ParseVary, RefusesWhatMakesNoSense) {
  ExpectRefused("colour", "no axis \"colour\"");
  ExpectRefused("depth,depth:1", "twice");
  ExpectRefused("depth:1+1", "twice");
  ExpectRefused("depth:65", "0 to 64");
  ExpectRefused("depth:", "no number");
  ExpectRefused("dirty:101", "0 to 100");
  ExpectRefused("vmas:0", "1 to 10000");
  ExpectRefused("touch:maybe", "write, read or none");
  ExpectRefused("size:1", "whole pages");
  ExpectRefused("size:x", "no size");
  ExpectRefused("size:8192,vmas:3", "cannot be spread");
}

TEST(Matrix, CellsAreAllCombinationsWithLinuxOnce) {
  const absl::StatusOr<Matrix> matrix = Parse("size:0+4194304,strategy,depth");
  ASSERT_TRUE(matrix.ok());
  const std::vector<Cell> cells = matrix->Cells();
  // Sizes 0 and 4 MiB by two depths: two strategies, native, and native-thp for 4 MiB.
  EXPECT_EQ(cells.size(), 2u * 3 + 2u * 4);
  std::set<std::string> names;
  for (const Cell& cell : cells) names.insert(CellName(cell));
  EXPECT_EQ(names.size(), cells.size());
  EXPECT_EQ(names.count("native-thp/size:4194304/touch:write/vmas:1/depth:3/dirty:1"), 1u);
  EXPECT_EQ(names.count("native-thp/size:0/touch:write/vmas:1/depth:0/dirty:1"), 0u);
}

TEST(Matrix, WithoutLinuxThereAreGuestsOnly) {
  AxisDefaults defaults = Defaults();
  defaults.fixed.native = false;
  const absl::StatusOr<Matrix> matrix = ParseVary("", defaults, &Bytes);
  ASSERT_TRUE(matrix.ok());
  ASSERT_EQ(matrix->Cells().size(), 1u);
  EXPECT_FALSE(matrix->Cells()[0].native());
}

TEST(Cell, TellsTheProgramEverything) {
  const Cell cell{kNativeHuge, 8192, Touch::kRead, 2, 3, 4};
  EXPECT_EQ(ProgramArguments(cell, 5, 6),
            (std::vector<std::string>{"--size=8192", "--touch=read", "--vmas=2", "--depth=3",
                                      "--dirty=4", "--cycles=5", "--again=6", "--thp"}));
}

TEST(Cell, RamHoldsWhatIsCopied) {
  constexpr uint64_t kGiB = uint64_t{1} << 30;
  const Cell cell{"any", kGiB, Touch::kWrite, 1, 3, 50};
  EXPECT_GT(RamFor(cell, proto::ForkMemory::kCopies), 5 * kGiB) << "five processes";
  EXPECT_GT(RamFor(cell, proto::ForkMemory::kShares), 2 * kGiB) << "two halves besides";
  EXPECT_LT(RamFor(cell, proto::ForkMemory::kShares), 3 * kGiB);
}

}  // namespace
}  // namespace fv::lab
