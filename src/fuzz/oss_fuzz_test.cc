// SPDX-License-Identifier: Apache-2.0
//
// What tools/campaigns/oss-fuzz/build.sh lays down in $OUT, with the variables of OSS-Fuzz's
// base-builder, and whether it passes what OSS-Fuzz's base-runner asks of a target there
// (infra/base-images/base-runner: test_all.py, bad_build_check, run_fuzzer). The build itself is
// this test's own: the script finds its results.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "src/fuzz/program.h"
#include "src/fuzz/text.h"
#include "vmm/testing/require_kvm.h"

namespace fv::fuzz {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;
using ::testing::UnorderedElementsAre;

constexpr char kTarget[] = "forkvisor_fuzzer";

std::string Content(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

std::vector<std::string> Names(const std::string& directory) {
  std::vector<std::string> names;
  for (const auto& entry : fs::directory_iterator(directory)) {
    names.push_back(entry.path().filename().string());
  }
  return names;
}

class OssFuzz : public vmm::testing::KvmTest {
 protected:
  // A source tree as the image has it, but for what was built already.
  void SetUp() override {
    const std::string built = fs::current_path().string();
    fs::remove_all(root_);
    fs::create_directories(root_ + "/src/forkvisor");
    for (const std::string name : {"tools", "tests"}) {
      fs::create_symlink(fs::path(built) / name, fs::path(root_) / "src/forkvisor" / name);
    }
    fs::create_symlink(built, root_ + "/src/forkvisor/bazel-bin");
    fs::copy_file(built + "/tools/campaigns/oss-fuzz/build.sh", root_ + "/src/build.sh");
    std::ofstream(root_ + "/bazel") << "echo $* >" + root_ + "/asked\n";
    ASSERT_EQ(Run("cd src/forkvisor && env -i PATH=$PATH SRC=$PWD/.. OUT=" + out_ +
                  " WORK=" + root_ + "/work BAZEL='sh " + root_ +
                  "/bazel' CC=clang CXX=clang++ CFLAGS='-O1 -fsanitize=fuzzer-no-link'"
                  " CXXFLAGS='-O1 -fsanitize=fuzzer-no-link -stdlib=libc++'"
                  " LIB_FUZZING_ENGINE=-fsanitize=fuzzer FUZZING_ENGINE=libfuzzer SANITIZER=none"
                  " ARCHITECTURE=x86_64 FUZZING_LANGUAGE=c++ bash -eux ../build.sh"),
              0)
        << said_;
  }

  // Exit code of a command in the tree; what it said is in said_.
  int Run(const std::string& command) {
    const std::string log = root_ + "/log";
    const int status =
        std::system(("cd " + root_ + " && (" + command + ") </dev/null >" + log + " 2>&1").c_str());
    said_ = Content(log);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  }
  // As run_fuzzer does.
  int RunTarget(const std::string& arguments) {
    return Run("cd " + out_ + " && ./" + kTarget + " -- " + arguments);
  }
  // The flags that run_fuzzer makes of the options' section [libfuzzer].
  std::string Options() const {
    std::ifstream in(out_ + "/" + kTarget + ".options");
    std::string flags, key, equals, value;
    std::getline(in, key);
    EXPECT_EQ(key, "[libfuzzer]");
    while (in >> key >> equals >> value) {
      EXPECT_EQ(equals, "=");
      flags.append(" -").append(key).append("=").append(value);
    }
    return flags;
  }
  void Unzip(const std::string& into) {
    EXPECT_EQ(Run("python3 -m zipfile -e " + out_ + "/" + kTarget + "_seed_corpus.zip " + into), 0)
        << said_;
  }

  const std::string root_ = ::testing::TempDir() + "/oss_fuzz";
  const std::string out_ = root_ + "/out";
  std::string said_;
};

TEST_F(OssFuzz, TheBuildLaysDownTargetOptionsDictionaryAndSeeds) {
  EXPECT_EQ(Content(root_ + "/asked"), "build //src/fuzz:forkvisor_fuzzer //src/cli:forkvisor\n");
  EXPECT_THAT(Names(out_),
              UnorderedElementsAre("forkvisor_fuzzer", "forkvisor_fuzzer.options",
                                   "forkvisor_fuzzer.dict", "forkvisor_fuzzer_seed_corpus.zip"));
  // How a target is told from other files.
  const std::string target = Content(out_ + "/" + kTarget);
  EXPECT_THAT(target, StartsWith("\177ELF"));
  EXPECT_NE(target.find("LLVMFuzzerTestOneInput"), std::string::npos);
  EXPECT_NE(fs::status(out_ + "/" + kTarget).permissions() & fs::perms::others_exec,
            fs::perms::none);
}

TEST_F(OssFuzz, TheSeedsAreThePrograms) {
  Unzip("seeds");
  size_t programs = 0;
  for (const auto& entry : fs::directory_iterator("tests/corpus")) {
    const std::string seed = Content(root_ + "/seeds/" + entry.path().stem().string());
    const Program program = Decode({reinterpret_cast<const uint8_t*>(seed.data()), seed.size()});
    EXPECT_EQ(ToText(program), ToText(*ParseText(Content(entry.path().string()))))
        << entry.path().filename();
    ++programs;
  }
  EXPECT_GT(programs, 0u);
  EXPECT_EQ(Names(root_ + "/seeds").size(), programs);
}

TEST_F(OssFuzz, TheTargetRunsAsTheRunnerRunsIt) {
  EXPECT_EQ(RunTarget("-seed=1337 -runs=4"), 0) << said_;
  EXPECT_THAT(said_, HasSubstr("Done 4 runs"));
  EXPECT_THAT(said_, Not(HasSubstr("no interesting inputs were found")));
  fs::create_directories(root_ + "/corpus");
  Unzip("corpus");
  const std::string flags = "-rss_limit_mb=2560 -timeout=25 -runs=30 ../corpus" + Options();
  EXPECT_EQ(RunTarget(flags), 0) << said_;
  EXPECT_THAT(said_, HasSubstr("Dictionary: "));
  EXPECT_THAT(said_, Not(HasSubstr("unrecognized flag")));
  std::ofstream(out_ + "/wrong.dict") << "nonsense\n";
  EXPECT_NE(RunTarget("-runs=1 -dict=wrong.dict"), 0) << said_;
}

TEST_F(OssFuzz, AnotherEngineIsRefused) {
  EXPECT_NE(Run("cd src/forkvisor && SRC=.. OUT=x WORK=x FUZZING_ENGINE=afl BAZEL=false"
                " bash ../build.sh"),
            0);
  EXPECT_THAT(said_, HasSubstr("FUZZING_ENGINE"));
}

}  // namespace
}  // namespace fv::fuzz
