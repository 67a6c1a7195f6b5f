// SPDX-License-Identifier: Apache-2.0
//
// Programs of the corpus as C source: Clang compiles them without a warning, and natively they give
// what the executor gives.
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <iterator>
#include <memory>
#include <regex>
#include <span>
#include <string>

#include "src/fuzz/c_source.h"
#include "src/fuzz/calls.h"
#include "src/fuzz/compare.h"
#include "src/fuzz/executor_program.h"
#include "src/fuzz/native_runner.h"
#include "src/fuzz/results.h"
#include "src/fuzz/text.h"
#include "src/native/native.h"
#include "src/native/testing/user_namespaces.h"
#include "src/rootfs/root.h"

namespace fv::tests {
namespace {

constexpr char kPath[] = "/bin/program";
constexpr uint64_t kLongest = 60'000'000'000;  // a test that takes this long has failed

std::vector<std::string> files;

std::string Content(const std::string& path) {
  std::ifstream in(path);
  return {std::istreambuf_iterator<char>(in), {}};
}

// The static program that the compiler makes of `source`; empty: it says something.
std::string Compiled(const std::string& source, const std::string& flags) {
  const std::string base = ::testing::TempDir() + "/fuzz_program";
  std::ofstream(base + ".c") << source;
  const std::string command =
      "clang -Wall -Wextra -Werror " + flags + " -o " + base + " " + base + ".c";
  return std::system(command.c_str()) == 0 ? Content(base) : "";
}

// What the program prints, as root of a sandbox of its own.
std::string Printed(const std::string& program) {
  rootfs::FileTree tree = rootfs::DefaultRoot();
  EXPECT_TRUE(tree.AddFile(kPath, program, 0755).ok());
  native::NativeOptions options;
  options.user = native::testing::UserForTests();
  options.tree = &tree;
  options.tree_limit_bytes = 64 << 20;
  options.path = kPath;
  options.argv = {kPath};
  options.cwd = "/tmp";
  options.timeout_ns = kLongest;
  const absl::StatusOr<native::NativeResult> result = native::RunNative(options);
  EXPECT_TRUE(result.ok()) << result.status();
  return result.ok() ? result->out.bytes : "";
}

// Where the kernel chose an address, by chance, only that it did; and not what memory holds where
// frames of handlers may be in it.
std::string WithoutChance(const fuzz::Program& program, const std::string& text) {
  static const std::regex kChosen("0x7[0-9a-f]{11}\\b");
  static const std::regex kMemory("((?:hash|load)\\([^\n]*) \\[[^\n]*\\]\n");
  const std::string steady = std::regex_replace(text, kChosen, "chosen");
  return fuzz::HasMemoryOfItsOwn(program) ? std::regex_replace(steady, kMemory, "$1\n") : steady;
}

TEST(FuzzCSource, GivesWhatTheExecutorGives) {
  auto runner = fuzz::NativeRunner::Make(embedded::FuzzExecutor(), native::testing::UserForTests());
  ASSERT_TRUE(runner.ok()) << runner.status();
  ASSERT_FALSE(files.empty());
  for (const std::string& file : files) {
    SCOPED_TRACE(file);
    const absl::StatusOr<fuzz::Program> program = fuzz::ParseText(Content(file));
    ASSERT_TRUE(program.ok()) << program.status();
    const absl::StatusOr<fuzz::Results> results =
        (*runner)->Run(*program, fuzz::NativeRunner::kPatientLimitMs);
    ASSERT_TRUE(results.ok()) << results.status();
    const std::string compiled = Compiled(fuzz::ToCSource(*program), "-O1 -static");
    ASSERT_FALSE(compiled.empty());
    EXPECT_EQ(WithoutChance(*program, Printed(compiled)),
              WithoutChance(*program, fuzz::ResultsText(*program, *results)));
  }
}

// A program with every call that does not make a task, as far as one has room, from `next` on.
fuzz::Program ProgramOf(std::span<const fuzz::CallSpec> calls, size_t& next) {
  fuzz::Program program;
  program.tasks.resize(1);
  for (; next < calls.size() && program.tasks[0].steps.size() < FV_FUZZ_STEPS; ++next) {
    if (!calls[next].Spawns()) program.tasks[0].steps.push_back({calls[next].number, {}});
  }
  fuzz::Repair(program);
  return program;
}

TEST(FuzzCSource, EveryCallCompiles) {
  const std::span<const fuzz::CallSpec> calls = fuzz::Calls();
  for (size_t next = 0; next < calls.size();) {
    const fuzz::Program program = ProgramOf(calls, next);
    EXPECT_FALSE(Compiled(fuzz::ToCSource(program), "-O1").empty()) << fuzz::ToText(program);
  }
}

TEST(FuzzCSource, CompilesAnyHow) {
  const absl::StatusOr<fuzz::Program> program = fuzz::ParseText(Content(files.front()));
  ASSERT_TRUE(program.ok()) << program.status();
  for (const std::string flags : {"-O0", "-O2 -fPIE -pie", "-O2 -std=gnu17 -D_FORTIFY_SOURCE=2"}) {
    EXPECT_FALSE(Compiled(fuzz::ToCSource(*program), flags).empty()) << flags;
  }
}

}  // namespace
}  // namespace fv::tests

int main(int argc, char** argv) {
  ::testing::InitGoogleTest(&argc, argv);
  fv::tests::files.assign(argv + 1, argv + argc);
  return RUN_ALL_TESTS();
}
