// SPDX-License-Identifier: Apache-2.0
//
// The target for ClusterFuzz and OSS-Fuzz: exit codes, a finding's file that shows the finding
// again. What lies beside it: oss_fuzz_test.cc.
#include <gtest/gtest.h>
#include <sys/wait.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include "src/fuzz/text.h"
#include "vmm/testing/require_kvm.h"

namespace fv::fuzz {
namespace {

namespace fs = std::filesystem;

std::string target;

constexpr int kFound = 77;  // libFuzzer's -error_exitcode

// Unmaps a page, which a mutant does wrong.
constexpr char kUnmaps[] = R"(
tasks {
  calls { name: "store" arguments { arena { page: 0 } } arguments { value: 1 } }
  calls { name: "munmap" arguments { arena { page: 0 } } arguments { value: 4096 } }
})";

class FuzzTarget : public vmm::testing::KvmTest {
 protected:
  void SetUp() override {
    KvmTest::SetUp();
    directory_ = ::testing::TempDir() + "/target_test";
    fs::remove_all(directory_);
    fs::create_directories(directory_);
  }
  std::string Path(const std::string& name) const { return directory_ + "/" + name; }
  std::string Write(const std::string& name, const std::string& content) const {
    std::ofstream(Path(name), std::ios::binary) << content;
    return Path(name);
  }
  // Exit code; what it said is in said_.
  int Run(const std::string& arguments) {
    const std::string log = Path("log");
    const std::string command = target + " -artifact_prefix=" + directory_ + "/ " + arguments +
                                " </dev/null >" + log + " 2>&1";
    const int status = std::system(command.c_str());
    std::ifstream in(log);
    said_.assign(std::istreambuf_iterator<char>(in), {});
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  }
  std::string Artifact() const {
    for (const auto& entry : fs::directory_iterator(directory_)) {
      if (entry.path().filename().string().rfind("crash-", 0) == 0) return entry.path().string();
    }
    return "";
  }

  std::string directory_;
  std::string said_;
};

TEST_F(FuzzTarget, RunsOneInput) {
  const std::string input = Write("input", Encode(*ParseText(kUnmaps)));
  EXPECT_EQ(Run(input), 0) << said_;
  EXPECT_NE(said_.find("Executed " + input), std::string::npos) << said_;
  EXPECT_EQ(Run(Write("bytes", "any bytes are a program")), 0) << said_;
  EXPECT_EQ(Run("--mutant=none-of-these " + input), 1) << said_;
}

TEST_F(FuzzTarget, AFindingIsKeptAndShownAgain) {
  const std::string input = Write("input", Encode(*ParseText(kUnmaps)));
  const std::string flags = "--check=every --mutant=unmap-keeps-entries ";
  EXPECT_EQ(Run(flags + input), kFound) << said_;
  EXPECT_NE(said_.find("SUMMARY: forkvisor: oracle: I"), std::string::npos) << said_;
  EXPECT_EQ(Artifact(), "") << "libFuzzer writes no file of an input that it was given as one";
  fs::create_directories(Path("corpus"));
  fs::copy(input, Path("corpus/seed"));
  EXPECT_EQ(Run(flags + "-runs=1 " + Path("corpus")), kFound) << said_;
  const std::string artifact = Artifact();
  ASSERT_NE(artifact, "") << said_;
  EXPECT_EQ(Run(flags + artifact), kFound) << said_;
  EXPECT_NE(said_.find("SUMMARY: forkvisor: oracle: I"), std::string::npos) << said_;
  EXPECT_EQ(Run("--check=every " + artifact), 0) << said_;
}

}  // namespace
}  // namespace fv::fuzz

int main(int argc, char** argv) {
  ::testing::InitGoogleTest(&argc, argv);
  fv::fuzz::target = argv[1];
  return RUN_ALL_TESTS();
}
