// SPDX-License-Identifier: Apache-2.0
//
// I7 by experiment: on a host whose CPU remembers translations, a program shows what a kernel that
// forgets a flush does to its users. QEMU's translator is such a host, with the kernel in ring 0.
// (In ring 3 every return to the user loads CR3: there is nothing that a mutant could forget.)
#include <gtest/gtest.h>

#include <filesystem>
#include <string>
#include <vector>

#include "gflags/gflags.h"
#include "tests/programs/process.h"
#include "vmm/testing/require_qemu.h"

DEFINE_string(forkvisor, "", "the command");
DEFINE_string(kernel, "", "the kernel with mutants");
DEFINE_string(program, "", "guest/user/programs/tlb_canary");

namespace fv::tests {
namespace {

struct Forgotten {
  const char* mutant;
  std::vector<std::string> canaries;  // that do not sing any more
};

// Where else the mutant forgets a flush, another one comes in time: munmap frees page tables, and
// flushes for that.
const Forgotten kForgotten[] = {
    {"fork-skips-flush", {"fork", "generations"}},
    {"unmap-skips-flush", {"madvise dontneed", "ftruncate"}},
    {"protect-skips-flush", {"mprotect read-only", "mprotect none", "mprotect not executable"}},
    {"move-skips-flush", {"mremap"}},
};

ProcessResult RunCanary(const std::string& mutant) {
  const auto path = [](const std::string& file) {
    return std::filesystem::absolute(file).string();
  };
  ProcessOptions options;
  // Without a tick: a switch to another task between a fork and the writes flushes what was
  // forgotten.
  options.argv = {path(FLAGS_forkvisor),
                  "run",
                  "--host=qemu",
                  "--deterministic",
                  "--kernel=" + path(FLAGS_kernel),
                  "--mutant=" + mutant,
                  "--timeout=50",
                  path(FLAGS_program)};
  options.cwd = "/";
  options.environment = {"PATH=/usr/bin:/bin"};
  return RunProcess(options);
}

bool Sings(const ProcessResult& result, const std::string& canary) {
  return result.out.find("ok " + canary + "\n") != std::string::npos;
}

class TlbCanary : public vmm::testing::QemuTest {};

TEST_F(TlbCanary, AllSingWhenEverythingIsFlushed) {
  const ProcessResult result = RunCanary("");
  EXPECT_EQ(result.status, 0) << result.out << result.err;
  EXPECT_EQ(result.out.find("FAIL"), std::string::npos) << result.out;
}

TEST_F(TlbCanary, AForgottenFlushIsSeenByThoseWhomItConcerns) {
  for (const Forgotten& forgotten : kForgotten) {
    const ProcessResult result = RunCanary(forgotten.mutant);
    EXPECT_EQ(result.status, 1) << forgotten.mutant << "\n" << result.out << result.err;
    for (const std::string& canary : forgotten.canaries) {
      EXPECT_FALSE(Sings(result, canary)) << forgotten.mutant << "\n" << result.out;
    }
    EXPECT_TRUE(Sings(result, "zero pages written")) << forgotten.mutant << "\n" << result.out;
  }
}

}  // namespace
}  // namespace fv::tests

int main(int argc, char** argv) {
  ::testing::InitGoogleTest(&argc, argv);
  gflags::ParseCommandLineFlags(&argc, &argv, true);
  return RUN_ALL_TESTS();
}
