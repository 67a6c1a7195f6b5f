// SPDX-License-Identifier: Apache-2.0
//
// The oracle's own test: the kernel is booted with one known bug after the other
// (proto/mutants.h), and each has to be caught by the invariant that it breaks. The same kernel
// without a bug must not be accused.
#include <gtest/gtest.h>

#include <filesystem>
#include <string>

#include "gflags/gflags.h"
#include "proto/mutants.h"
#include "tests/programs/process.h"
#include "vmm/testing/require_kvm.h"

DEFINE_string(forkvisor, "", "the command");
DEFINE_string(kernel, "", "the kernel with mutants");
DEFINE_string(program, "", "guest/user/programs/mutant_probe");

namespace fv::tests {
namespace {

constexpr int kFindingExit = 1;

struct MutantCase {
  const char* name;
  unsigned invariant;
  const char* bug;
};

constexpr MutantCase kCases[] = {
#define FV_X(number, name, text, invariant, bug) {text, invariant, bug},
    FV_MUTANT_LIST(FV_X)
#undef FV_X
};

constexpr unsigned kSharedTables = 8;  // the invariant that only the ondemand strategy can break

ProcessResult RunMutant(const std::string& mutant, unsigned invariant) {
  ProcessOptions options;
  const auto path = [](const std::string& file) {
    return std::filesystem::absolute(file).string();
  };
  options.argv = {path(FLAGS_forkvisor),
                  "run",
                  "--kernel=" + path(FLAGS_kernel),
                  "--check=every",
                  "--mutant=" + mutant,
                  "--timeout=50",
                  invariant == kSharedTables ? "--strategy=ondemand" : "--strategy=classic",
                  path(FLAGS_program)};
  options.cwd = "/";
  options.environment = {"PATH=/usr/bin:/bin"};
  return RunProcess(options);
}

class Mutants : public vmm::testing::KvmTest, public ::testing::WithParamInterface<MutantCase> {};
class NoMutant : public vmm::testing::KvmTest {};

TEST_P(Mutants, IsCaughtByItsInvariant) {
  const MutantCase& mutant = GetParam();
  const ProcessResult result = RunMutant(mutant.name, mutant.invariant);
  EXPECT_EQ(result.status, kFindingExit) << mutant.bug << "\n" << result.out << result.err;
  const std::string wanted = "I" + std::to_string(mutant.invariant) + " broken";
  EXPECT_NE(result.err.find(wanted), std::string::npos)
      << mutant.bug << ": " << wanted << " is missing in\n"
      << result.err;
}

std::string CaseName(const ::testing::TestParamInfo<MutantCase>& info) {
  std::string name = info.param.name;
  for (char& c : name) c = c == '-' ? '_' : c;
  return name;
}
INSTANTIATE_TEST_SUITE_P(All, Mutants, ::testing::ValuesIn(kCases), CaseName);

TEST_F(NoMutant, IsNotAccused) {
  const ProcessResult result = RunMutant("", 0);
  EXPECT_EQ(result.status, 0) << result.out << result.err;
  EXPECT_EQ(result.err.find("broken"), std::string::npos) << result.err;
}

}  // namespace
}  // namespace fv::tests

int main(int argc, char** argv) {
  ::testing::InitGoogleTest(&argc, argv);
  gflags::ParseCommandLineFlags(&argc, &argv, true);
  return RUN_ALL_TESTS();
}
