// SPDX-License-Identifier: Apache-2.0
//
// Reports on this build's kernel, whose lines are known well enough, and what is written of them.
#include "src/coverage/report.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>

#include "src/cli/fuzz_kernel.h"
#include "src/coverage/write.h"

namespace fv::coverage {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::Not;

class ReportTest : public ::testing::Test {
 protected:
  static const KernelBlocks& Blocks() {
    static const KernelBlocks kBlocks(embedded::FuzzKernel());
    return kBlocks;
  }
  static const inspect::KernelSymbols& Symbols() {
    static const inspect::KernelSymbols kSymbols(embedded::FuzzKernel());
    return kSymbols;
  }
  static const LineTable& Lines() {
    static const absl::StatusOr<LineTable> kTable = ReadLineTable(embedded::FuzzKernel());
    EXPECT_TRUE(kTable.ok()) << kTable.status();
    return *kTable;
  }
  static Report With(const std::vector<uint64_t>& hits) {
    return MakeReport(Blocks(), Lines(), Symbols(), hits);
  }
  // One block counts, of the function's first.
  static Report WithOneBlock(const std::string& function, uint64_t hits) {
    std::vector<uint64_t> all(Blocks().size());
    for (size_t i = 0; i < all.size(); ++i) {
      const Block& block = Blocks().blocks()[i];
      if (block.begins_function && Symbols().Function(block.address) == function) all[i] = hits;
    }
    return With(all);
  }
};

TEST_F(ReportTest, KnowsTheKernelsFiles) {
  const Report report = With({});
  EXPECT_EQ(report.blocks.all, Blocks().size());
  EXPECT_EQ(report.blocks.reached, 0u);
  EXPECT_THAT(Folders(report), Contains("guest/mm"));
  EXPECT_THAT(Folders(report), Contains("guest/task"));
  EXPECT_THAT(report.files, Contains(::testing::Key("guest/task/fork.cc")));
  EXPECT_GT(LinesBelow(report, "guest/mm").all, 1000u);
  EXPECT_EQ(LinesBelow(report, "guest/mm").reached, 0u);
  EXPECT_EQ(LinesBelow(report, "guest").all, 0u) << "folders do not hold those below";
  for (const auto& [path, file] : report.files) {
    EXPECT_THAT(path, Not(::testing::StartsWith("/")));
  }
}

TEST_F(ReportTest, EverythingReachedIsEveryLine) {
  const Report report = With(std::vector<uint64_t>(Blocks().size(), 2));
  for (const auto& [path, file] : report.files) {
    const Share lines = LinesOf(file);
    EXPECT_EQ(lines.all, lines.reached) << path;
  }
}

TEST_F(ReportTest, OneBlockIsTheLinesOfItsFunction) {
  const Report report = WithOneBlock("CopyProcess", 7);
  EXPECT_EQ(report.blocks.reached, 1u);
  const FileReport& file = report.files.at("guest/task/fork.cc");
  const auto function = std::find_if(file.functions.begin(), file.functions.end(),
                                     [](const Function& f) { return f.name == "CopyProcess"; });
  ASSERT_NE(function, file.functions.end());
  EXPECT_EQ(function->hits, 7u);
  EXPECT_EQ(file.lines.at(function->line), 7u);
  EXPECT_LT(LinesOf(file).reached, 20u);
  EXPECT_EQ(LinesBelow(report, "guest/ipc").reached, 0u);
}

TEST_F(ReportTest, AsLcovHasIt) {
  const std::string text = LcovText(WithOneBlock("CopyProcess", 7));
  EXPECT_EQ(text.rfind("TN:\n", 0), 0u);
  EXPECT_THAT(text, HasSubstr("\nSF:guest/task/fork.cc\n"));
  EXPECT_THAT(text, HasSubstr("\nFNDA:7,CopyProcess\n"));
  EXPECT_THAT(text, ::testing::EndsWith("end_of_record\n"));
}

TEST_F(ReportTest, AsPages) {
  const std::string source = ::testing::TempDir() + "/coverage_source";
  std::filesystem::create_directories(source + "/guest/task");
  std::ofstream(source + "/guest/task/fork.cc") << "one\nif (a < b && c)\n";
  const Report report = WithOneBlock("CopyProcess", 7);
  const std::map<std::string, std::string> pages = HtmlPages(report, source);
  EXPECT_THAT(pages.at("index.html"), HasSubstr("href=\"guest_task_fork.cc.html\""));
  const std::string& page = pages.at("guest_task_fork.cc.html");
  EXPECT_THAT(page, HasSubstr("if (a &lt; b &amp;&amp; c)"));
  EXPECT_THAT(page, HasSubstr("class=hit><i>7</i>"));
  EXPECT_THAT(page, HasSubstr("class=miss><i>0</i>"));
}

TEST_F(ReportTest, IsWritten) {
  const std::string directory = ::testing::TempDir() + "/coverage_report";
  std::filesystem::remove_all(directory);
  ASSERT_TRUE(WriteReport(With({}), directory, "no such directory").ok());
  EXPECT_TRUE(std::filesystem::exists(directory + "/coverage.lcov"));
  EXPECT_TRUE(std::filesystem::exists(directory + "/index.html"));
  const std::string file = ::testing::TempDir() + "/one.info";
  ASSERT_TRUE(WriteReport(With({}), file, ".").ok());
  std::ifstream in(file);
  EXPECT_EQ(std::string(std::istreambuf_iterator<char>(in), {}), LcovText(With({})));
  EXPECT_FALSE(WriteReport(With({}), directory + "/none/one.info", ".").ok());
}

TEST(LineTable, OfNoElfFileIsRefused) {
  const uint8_t bytes[] = {1, 2, 3};
  EXPECT_TRUE(absl::IsInvalidArgument(ReadLineTable(bytes).status()));
}

}  // namespace
}  // namespace fv::coverage
