// SPDX-License-Identifier: Apache-2.0
//
// The status tables cannot lie: docs/syscalls.md against the linked kernel's symbols and the test
// programs, docs/fork-features.md against the tests that it names, docs/invariants.md against the
// oracle's titles and the list of mutants.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <regex>
#include <set>
#include <string>
#include <vector>

#include "src/mutants/mutants.h"
#include "src/oracle/finding.h"
#include "tests/elf_image.h"
#include "tests/markdown_table.h"
#include "tests/source_tree.h"

namespace fv::tests {
namespace {

namespace fs = std::filesystem;

std::string kernel_path;

struct Call {
  const char* name;
  unsigned number;
  unsigned tier;
};
constexpr Call kCalls[] = {
#define FV_SYSCALL(number, name, kinds, tier) {#name, number, tier},
#include "proto/syscalls.def"
#undef FV_SYSCALL
};

std::string TextOf(const fs::path& file) {
  std::string text;
  for (const std::string& line : Lines(file)) text += line + "\n";
  return text;
}

// fv::guest::sys::NAME(const SyscallArgs&), as compilers write it (Itanium C++ ABI).
std::set<std::string> Implemented() {
  static const std::regex kHandler("_ZN2fv5guest3sys[0-9]+([a-z_0-9]+)ERKNS0_11SyscallArgsE");
  const ElfImage kernel(kernel_path);
  std::set<std::string> names;
  for (const std::string& symbol : kernel.DefinedSymbols()) {
    std::smatch match;
    if (std::regex_match(symbol, match, kHandler)) names.insert(match[1]);
  }
  return names;
}

std::string WithoutQuotes(const std::string& cell) {
  const std::vector<std::string> spans = CodeSpans(cell);
  return spans.size() == 1 ? spans[0] : cell;
}

// The source of a test program, "" if there is none or no test runs it.
std::string ProgramSource(const std::string& name) {
  static const std::string kCases = TextOf("tests/programs/cases.bzl");
  if (kCases.find('"' + name + '"') == std::string::npos) return "";
  const fs::path base = "guest/user/programs/" + name;
  const std::string c = TextOf(base.string() + ".c");
  return c.empty() ? TextOf(base.string() + ".cc") : c;
}

// A word of its own, with or without SYS_ before it.
bool Mentions(const std::string& source, const std::string& word) {
  return std::regex_search(source, std::regex("\\b(SYS_)?" + word + "\\b"));
}

// Every "Suite.Test" of the sources.
const std::set<std::string>& Tests() {
  static const std::set<std::string> kTests = [] {
    static const std::regex kTest("^TEST(_F|_P)?\\((\\w+), (\\w+)\\)");
    std::set<std::string> found;
    for (const fs::path& file : SourceFiles()) {
      if (file.extension() != ".cc") continue;
      for (const std::string& line : Lines(file)) {
        std::smatch match;
        if (std::regex_search(line, match, kTest)) {
          found.insert(match[2].str() + "." + match[3].str());
        }
      }
    }
    return found;
  }();
  return kTests;
}

TEST(SyscallStatus, TheTableIsWhatTheKernelHas) {
  const std::set<std::string> implemented = Implemented();
  ASSERT_GT(implemented.size(), 100u) << "no handlers found: the test reads the wrong symbols";
  std::map<std::string, TableRow> rows;
  for (TableRow& row : RowsOf(Lines("docs/syscalls.md"), "Nr")) {
    ASSERT_EQ(row.cells.size(), 6u) << "docs/syscalls.md:" << row.line;
    const std::string name = WithoutQuotes(row.cells[1]);
    EXPECT_TRUE(implemented.count(name)) << "docs/syscalls.md:" << row.line << ": " << name
                                         << " stands in the table, the kernel has no handler";
    EXPECT_TRUE(rows.emplace(name, std::move(row)).second) << name << " stands there twice";
  }
  for (const Call& call : kCalls) {
    const auto row = rows.find(call.name);
    if (row == rows.end()) {
      EXPECT_FALSE(implemented.count(call.name))
          << "docs/syscalls.md lacks a row such as\n| " << call.number << " | `" << call.name
          << "` | " << call.tier << " | done | `PROGRAM` |  |\n(or `no test`, honestly)";
      continue;
    }
    EXPECT_EQ(row->second.cells[0], std::to_string(call.number)) << call.name;
    EXPECT_EQ(row->second.cells[2], std::to_string(call.tier)) << call.name;
  }
}

TEST(SyscallStatus, WhatIsMissingIsSaid) {
  const std::set<std::string> implemented = Implemented();
  for (const std::string& line : Lines("docs/syscalls.md")) {
    static const std::regex kTier("^- Tier ([0-2]): (.*)");
    std::smatch match;
    if (!std::regex_match(line, match, kTier)) continue;
    const std::vector<std::string> said = CodeSpans(match[2]);
    std::vector<std::string> missing;
    for (const Call& call : kCalls) {
      if (std::to_string(call.tier) == match[1] && !implemented.count(call.name)) {
        missing.push_back(call.name);
      }
    }
    EXPECT_EQ(said, missing) << "docs/syscalls.md, missing calls of tier " << match[1];
  }
}

TEST(SyscallStatus, ProvingProgramsMakeTheCall) {
  for (const TableRow& row : RowsOf(Lines("docs/syscalls.md"), "Nr")) {
    const std::string where = "docs/syscalls.md:" + std::to_string(row.line) + ": ";
    const std::string& state = row.cells[3];
    EXPECT_TRUE(state == "done" || state == "partial") << where << state;
    EXPECT_TRUE(state == "done" || !row.cells[5].empty()) << where << "what is missing?";
    const std::vector<std::string> spans = CodeSpans(row.cells[4]);
    if (row.cells[4] == "no test") continue;
    ASSERT_FALSE(spans.empty()) << where << row.cells[4];
    const std::string source = ProgramSource(spans[0]);
    EXPECT_FALSE(source.empty()) << where << spans[0] << " is not a program that a test runs";
    const std::string word = spans.size() > 1 ? spans[1] : WithoutQuotes(row.cells[1]);
    EXPECT_TRUE(Mentions(source, word)) << where << spans[0] << " does not mention " << word;
  }
}

// A proof of a fork row: a program whose source names the row, or Suite.Test.
void CheckProof(const std::string& where, const std::string& row, const std::string& proof) {
  if (proof.find('.') != std::string::npos) {
    EXPECT_TRUE(Tests().count(proof)) << where << "there is no test " << proof;
    return;
  }
  const std::string source = ProgramSource(proof);
  EXPECT_FALSE(source.empty()) << where << proof << " is not a program that a test runs";
  EXPECT_NE(source.find(row), std::string::npos) << where << proof << " does not name " << row;
}

TEST(ForkFeatures, EveryRowHasAStateAndItsProofExists) {
  static const std::set<std::string> kStates = {"done", "partial", "later", "second vCPU"};
  std::set<std::string> ids;
  for (const TableRow& row : RowsOf(Lines("docs/fork-features.md"), "Row")) {
    const std::string where = "docs/fork-features.md:" + std::to_string(row.line) + ": ";
    ASSERT_EQ(row.cells.size(), 5u) << where;
    const std::string& id = row.cells[0];
    EXPECT_TRUE(std::regex_match(id, std::regex("F[0-9][0-9]"))) << where << id;
    EXPECT_TRUE(ids.insert(id).second) << where << id << " stands there twice";
    EXPECT_TRUE(kStates.count(row.cells[2])) << where << row.cells[2];
    const std::vector<std::string> proofs = CodeSpans(row.cells[3]);
    EXPECT_TRUE(row.cells[2] != "done" || !proofs.empty()) << where << "done, and no test";
    EXPECT_TRUE(row.cells[2] == "done" || !row.cells[4].empty()) << where << "what is missing?";
    for (const std::string& proof : proofs) CheckProof(where, id, proof);
  }
  EXPECT_EQ(ids.size(), 69u);
}

TEST(Invariants, ThePageHasTheOraclesTitlesAndEveryMutant) {
  const std::string page = TextOf("docs/invariants.md");
  for (unsigned i = 1; i <= oracle::kInvariants; ++i) {
    const std::string heading =
        "\n## I" + std::to_string(i) + ": " + oracle::InvariantTitle(i) + "\n";
    const size_t begin = page.find(heading);
    ASSERT_NE(begin, std::string::npos) << heading;
    const std::string section =
        page.substr(begin, page.find("\n## ", begin + heading.size()) - begin);
    for (const mutants::MutantInfo& mutant : mutants::AllMutants()) {
      if (mutant.invariant == i) {
        EXPECT_NE(section.find(std::string("`") + mutant.name + "`"), std::string::npos)
            << mutant.name << " is missing below" << heading;
      }
    }
  }
}

// The table of all mutants has a row for each, in the order of their numbers.
TEST(Invariants, ThePageHasTheTableOfMutants) {
  std::string rows;
  for (const mutants::MutantInfo& mutant : mutants::AllMutants()) {
    const mutants::ProbeInfo& probe = mutants::AllProbes()[static_cast<size_t>(mutant.probe)];
    rows += std::string("| `") + mutant.name + "` | " + mutant.bug + " | I" +
            std::to_string(mutant.invariant) + " | `" + probe.program + "`, " + probe.strategy +
            " |\n";
  }
  EXPECT_NE(TextOf("docs/invariants.md").find(rows), std::string::npos)
      << "the table in docs/invariants.md should be\n"
      << rows;
}

}  // namespace
}  // namespace fv::tests

int main(int argc, char** argv) {
  ::testing::InitGoogleTest(&argc, argv);
  if (argc != 2) return 2;
  fv::tests::kernel_path = argv[1];
  return RUN_ALL_TESTS();
}
