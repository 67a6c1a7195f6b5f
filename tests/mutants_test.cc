// SPDX-License-Identifier: Apache-2.0
//
// The oracle's own test: the kernel is booted with one known bug after the other
// (proto/mutants.h), and each has to be caught by the invariant that it breaks. The same kernel
// without a bug must not be accused. docs/invariants.md lists them all.
#include <gtest/gtest.h>

#include <filesystem>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "gflags/gflags.h"
#include "src/mutants/mutants.h"
#include "tests/programs/process.h"
#include "vmm/testing/require_kvm.h"

DEFINE_string(forkvisor, "", "the command");
DEFINE_string(kernel, "", "the kernel with mutants");
DEFINE_string(programs, "", "the programs of the probes, separated by commas");

namespace fv::tests {
namespace {

using mutants::AllMutants;
using mutants::AllProbes;
using mutants::MutantInfo;
using mutants::ProbeInfo;

constexpr int kFindingExit = 1;

std::string Absolute(const std::string& file) { return std::filesystem::absolute(file).string(); }

std::string ProgramFile(const std::string& name) {
  const std::vector<std::string> files = absl::StrSplit(FLAGS_programs, ',');
  for (const std::string& file : files) {
    if (std::filesystem::path(file).filename() == name) return Absolute(file);
  }
  ADD_FAILURE() << name << " is not among --programs";
  return "";
}

ProcessResult RunProbe(const ProbeInfo& probe, const std::string& mutant) {
  ProcessOptions options;
  options.argv = {Absolute(FLAGS_forkvisor),
                  "run",
                  "--kernel=" + Absolute(FLAGS_kernel),
                  "--check=every",
                  "--mutant=" + mutant,
                  "--timeout=50",
                  std::string("--strategy=") + probe.strategy,
                  ProgramFile(probe.program)};
  if (*probe.argument != '\0') options.argv.emplace_back(probe.argument);
  options.cwd = "/";
  options.environment = {"PATH=/usr/bin:/bin"};
  return RunProcess(options);
}

class Mutants : public vmm::testing::KvmTest, public ::testing::WithParamInterface<MutantInfo> {};
class MutantsVerb : public vmm::testing::KvmTest {};
class NoMutant : public vmm::testing::KvmTest, public ::testing::WithParamInterface<ProbeInfo> {};

TEST_P(Mutants, IsCaughtByItsInvariant) {
  const MutantInfo& mutant = GetParam();
  const ProcessResult result =
      RunProbe(AllProbes()[static_cast<size_t>(mutant.probe)], mutant.name);
  EXPECT_EQ(result.status, kFindingExit) << mutant.bug << "\n" << result.out << result.err;
  const std::string wanted = absl::StrCat("I", mutant.invariant, " broken");
  EXPECT_NE(result.err.find(wanted), std::string::npos)
      << mutant.bug << ": " << wanted << " is missing in\n"
      << result.err;
}

TEST_P(NoMutant, IsNotAccused) {
  const ProcessResult result = RunProbe(GetParam(), "");
  EXPECT_EQ(result.status, 0) << result.out << result.err;
  EXPECT_EQ(result.err.find("broken"), std::string::npos) << result.err;
}

std::string Identifier(std::string text) {
  for (char& c : text) c = c == '-' ? '_' : c;
  return text;
}
INSTANTIATE_TEST_SUITE_P(All, Mutants,
                         ::testing::ValuesIn(AllMutants().begin(), AllMutants().end()),
                         [](const auto& info) { return Identifier(info.param.name); });
INSTANTIATE_TEST_SUITE_P(All, NoMutant, ::testing::ValuesIn(AllProbes().begin(), AllProbes().end()),
                         [](const auto& info) {
                           return absl::StrCat(info.param.program, "_", info.param.strategy);
                         });

// The installed command has kernel and programs inside.
TEST_F(MutantsVerb, GradesAFew) {
  ProcessOptions options;
  options.argv = {Absolute(FLAGS_forkvisor), "check", "--mutants=reuse-shared,no-canary"};
  options.cwd = "/";
  options.environment = {"PATH=/usr/bin:/bin"};
  const ProcessResult result = RunProcess(options);
  EXPECT_EQ(result.status, 0) << result.out << result.err;
  EXPECT_NE(result.out.find("2 of 2 caught, the kernel without a bug is not accused"),
            std::string::npos)
      << result.out;
}

}  // namespace
}  // namespace fv::tests

int main(int argc, char** argv) {
  ::testing::InitGoogleTest(&argc, argv);
  gflags::ParseCommandLineFlags(&argc, &argv, true);
  return RUN_ALL_TESTS();
}
