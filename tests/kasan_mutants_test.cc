// SPDX-License-Identifier: Apache-2.0
//
// The kernel's own checks are tested: //guest:kernel_kasan is booted with one memory error or
// undefined operation after the other (FV_SANITIZER_MUTANT_LIST in proto/mutants.h), and each has
// to be reported as what it is, in both rings. Without a bug there is no report.
#include <gtest/gtest.h>

#include <chrono>
#include <filesystem>
#include <string>
#include <tuple>

#include "absl/strings/str_cat.h"
#include "gflags/gflags.h"
#include "proto/mutants.h"
#include "tests/programs/process.h"
#include "vmm/testing/require_kvm.h"

DEFINE_string(forkvisor, "", "the command");
DEFINE_string(kernel, "", "the kernel with checks");
DEFINE_string(program, "", "sanitizer_probe");

namespace fv::tests {
namespace {

constexpr int kGuestFailure = 4;

struct SanitizerMutant {
  const char* name;
  const char* tool;
  const char* kind;
  const char* bug;
};
constexpr SanitizerMutant kMutants[] = {
#define FV_X(number, name, text, tool, kind, bug) {text, tool, kind, bug},
    FV_SANITIZER_MUTANT_LIST(FV_X)
#undef FV_X
};

std::string Absolute(const std::string& file) { return std::filesystem::absolute(file).string(); }

ProcessResult RunProbe(const std::string& mutant, const std::string& ring) {
  ProcessOptions options;
  options.argv = {Absolute(FLAGS_forkvisor),
                  "run",
                  "--kernel=" + Absolute(FLAGS_kernel),
                  "--mutant=" + mutant,
                  "--kernel_ring=" + ring,
                  "--timeout=200",
                  Absolute(FLAGS_program)};
  options.cwd = "/";
  options.environment = {"PATH=/usr/bin:/bin"};
  options.timeout = std::chrono::seconds(240);  // emulated ring 0, with checks, on a busy machine
  return RunProcess(options);
}

using Parameter = std::tuple<SanitizerMutant, const char*>;
class KasanMutants : public vmm::testing::KvmTest,
                     public ::testing::WithParamInterface<Parameter> {};
class KasanWithoutMutant : public vmm::testing::KvmTest,
                           public ::testing::WithParamInterface<const char*> {};

TEST_P(KasanMutants, IsReportedAsWhatItIs) {
  const auto& [mutant, ring] = GetParam();
  const ProcessResult result = RunProbe(mutant.name, ring);
  EXPECT_EQ(result.status, kGuestFailure) << mutant.bug << "\n" << result.out << result.err;
  const std::string wanted = absl::StrCat(mutant.tool, ": ", mutant.kind, ": ");
  EXPECT_NE(result.err.find(wanted), std::string::npos)
      << mutant.bug << ": \"" << wanted << "\" is missing in\n"
      << result.err;
  EXPECT_NE(result.err.find("\n  in "), std::string::npos) << "no place:\n" << result.err;
  EXPECT_EQ(result.err.find(" 0x\n"), std::string::npos) << result.err;
}

TEST_P(KasanWithoutMutant, HasNothingToReport) {
  const ProcessResult result = RunProbe("", GetParam());
  EXPECT_EQ(result.status, 0) << result.out << result.err;
  EXPECT_EQ(result.err, "");
}

INSTANTIATE_TEST_SUITE_P(All, KasanMutants,
                         ::testing::Combine(::testing::ValuesIn(kMutants),
                                            ::testing::Values("auto", "0")),
                         [](const auto& info) {
                           std::string name = absl::StrCat(std::get<0>(info.param).name, "_ring_",
                                                           std::get<1>(info.param));
                           for (char& c : name) c = c == '-' ? '_' : c;
                           return name;
                         });
INSTANTIATE_TEST_SUITE_P(All, KasanWithoutMutant, ::testing::Values("auto", "0"),
                         [](const auto& info) { return std::string("ring_") + info.param; });

}  // namespace
}  // namespace fv::tests

int main(int argc, char** argv) {
  ::testing::InitGoogleTest(&argc, argv);
  gflags::ParseCommandLineFlags(&argc, &argv, true);
  return RUN_ALL_TESTS();
}
