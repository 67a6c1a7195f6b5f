// SPDX-License-Identifier: Apache-2.0
//
// docs/new-strategy.md keeps its word: the code on the page is the code of the example, a kernel
// with that one file more has one strategy more, and no other file of the tree knows of it.
//
//   new_strategy_page_test KERNEL KERNEL_WITH_EXAMPLE
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>
#include <string>
#include <vector>

#include "src/inspect/fork_strategies.h"
#include "tests/source_tree.h"

namespace fv::tests {
namespace {

constexpr char kPage[] = "docs/new-strategy.md";
constexpr char kExample[] = "guest/mm/example/fork_mixed.cc";
std::vector<std::string> kernels;

// The fenced blocks of C++, as lines.
std::vector<std::vector<std::string>> CodeOf(const std::vector<std::string>& page) {
  std::vector<std::vector<std::string>> blocks;
  bool inside = false;
  for (const std::string& line : page) {
    if (!inside && line == "```cpp") {
      inside = true;
      blocks.emplace_back();
    } else if (inside && line == "```") {
      inside = false;
    } else if (inside) {
      blocks.back().push_back(line);
    }
  }
  return blocks;
}

TEST(NewStrategyPage, ShowsTheExampleAsItIs) {
  const std::vector<std::string> file = Lines(kExample);
  const auto blocks = CodeOf(Lines(kPage));
  EXPECT_GE(blocks.size(), 2u);
  for (const std::vector<std::string>& block : blocks) {
    ASSERT_FALSE(block.empty());
    EXPECT_NE(std::search(file.begin(), file.end(), block.begin(), block.end()), file.end())
        << kExample << " does not have these lines together, from on:\n"
        << block.front();
  }
}

std::set<std::string> StrategiesOf(const std::string& path) {
  std::ifstream stream(path, std::ios::binary);
  const std::vector<uint8_t> image{std::istreambuf_iterator<char>(stream), {}};
  std::set<std::string> names;
  for (const inspect::ForkStrategy& strategy : inspect::ReadForkStrategies(image)) {
    names.insert(strategy.name);
  }
  return names;
}

TEST(NewStrategy, IsOneFileMore) {
  ASSERT_EQ(kernels.size(), 2u);
  std::set<std::string> with = StrategiesOf(kernels[1]);
  EXPECT_EQ(with.erase("mixed"), 1u);
  EXPECT_EQ(with, StrategiesOf(kernels[0]));
}

// Its file, the file's line in BUILD, and those who show and test it.
TEST(NewStrategy, IsKnownToNobodyElse) {
  const std::set<std::string> allowed = {kExample,
                                         "guest/mm/example/BUILD.bazel",
                                         kPage,
                                         "tests/BUILD.bazel",
                                         "tests/new_strategy_page_test.cc",
                                         "tests/programs/BUILD.bazel"};
  for (const std::filesystem::path& path : SourceFiles()) {
    const std::string extension = path.extension();
    const bool source = extension == ".cc" || extension == ".h" || extension == ".bzl" ||
                        extension == ".bazel" || extension == ".ld" || extension == ".md";
    if (!source || allowed.contains(path)) continue;
    for (const std::string& line : Lines(path)) {
      EXPECT_TRUE(line.find("fork_mixed") == std::string::npos &&
                  line.find("MixedFork") == std::string::npos &&
                  line.find("\"mixed\"") == std::string::npos)
          << path << ": " << line;
    }
  }
}

}  // namespace
}  // namespace fv::tests

int main(int argc, char** argv) {
  ::testing::InitGoogleTest(&argc, argv);
  fv::tests::kernels.assign(argv + 1, argv + argc);
  return RUN_ALL_TESTS();
}
