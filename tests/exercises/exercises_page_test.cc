// SPDX-License-Identifier: Apache-2.0
//
// docs/exercises.md keeps its word: its programs compile without a warning, and the commands on the
// page give the answers on the page. Nothing that chance decides is looked at.
#include <gflags/gflags.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <regex>
#include <string>
#include <vector>

#include "tests/programs/process.h"
#include "tests/source_tree.h"
#include "vmm/testing/require_kvm.h"

DEFINE_string(forkvisor, "", "the command");
DEFINE_string(buggy_kernel, "", "the guest kernel that has mutants");

namespace fv::tests {
namespace {

constexpr char kPage[] = "docs/exercises.md";

std::string Absolute(const std::string& path) { return std::filesystem::absolute(path).string(); }

// The source of `name`.c: the block of C behind the line that names it.
std::string SourceOf(const std::string& name) {
  const std::vector<std::string> page = Lines(kPage);
  auto line = std::find(page.begin(), page.end(), "`" + name + ".c`:");
  line = std::find(line, page.end(), "```c");
  std::string source;
  while (line != page.end() && *++line != "```") source += *line + '\n';
  return source;
}

class ExercisesPage : public vmm::testing::KvmTest {
 protected:
  // The result of `argv`, which ends with `status` and says each of `parts`, on either stream.
  std::string Run(std::vector<std::string> argv, int status,
                  const std::vector<std::string>& parts) {
    const ProcessResult result = RunProcess({.argv = argv,
                                             .environment = {"PATH=/usr/bin:/bin"},
                                             .cwd = directory_.path(),
                                             .input = ""});
    const std::string text = result.out + result.err;
    EXPECT_EQ(result.status, status) << argv[1] << ": " << text;
    for (const std::string& part : parts) {
      EXPECT_NE(text.find(part), std::string::npos) << "no \"" << part << "\" in\n" << text;
    }
    return text;
  }
  std::string Forkvisor(std::vector<std::string> words, const std::vector<std::string>& parts,
                        int status = 0) {
    words.insert(words.begin(), Absolute(FLAGS_forkvisor));
    return Run(words, status, parts);
  }
  void Compile(const std::string& name) {
    const std::string source = SourceOf(name);
    ASSERT_FALSE(source.empty()) << kPage << " has no " << name << ".c";
    std::ofstream(directory_.path() + "/" + name + ".c") << source;
    Run({"/usr/bin/gcc", "-static", "-Wall", "-Werror", "-o", name, name + ".c"}, 0, {});
  }

 private:
  TempDirectory directory_;
};

TEST_F(ExercisesPage, OneVariableTwoValues) {
  Compile("cow");
  const std::string run = Forkvisor({"check", "./cow"}, {"the parent has 1\n", "I22 held"});
  std::smatch address;
  ASSERT_TRUE(std::regex_search(run, address, std::regex("value is at (0x[0-9a-f]+)"))) << run;
  Forkvisor({"inspect", "--at=fork-end", "pt", "2", address[1], "--", "./cow"},
            {"\n2 cow", "\n3 cow", "  rc-  "});
  const std::string later =
      Forkvisor({"inspect", "--at=before:exit:1", "pt", "3", address[1], "--", "./cow"},
                {"\n3 cow", "  rw-  "});
  EXPECT_EQ(later.find("\n2 cow"), std::string::npos) << later;
}

TEST_F(ExercisesPage, HelloHello) {
  Compile("stdio");
  Forkvisor({"run", "./stdio"}, {"hello hello world\n"});
  const std::string found =
      Forkvisor({"inspect", "--at=fork-end", "find", "text:hello", "--", "./stdio"}, {});
  EXPECT_TRUE(std::regex_search(found, std::regex("anon +2 stdio at .*, 3 stdio at"))) << found;
}

TEST_F(ExercisesPage, AZombie) {
  Compile("zombie");
  const std::string tasks = Forkvisor({"inspect", "--at=exit:1", "ps", "--", "./zombie"}, {});
  EXPECT_TRUE(std::regex_search(tasks, std::regex("\n *3 +3 +2 +zombie +- +- "))) << tasks;
}

TEST_F(ExercisesPage, FiveChildren) {
  Compile("sigchld");
  const std::string run =
      Forkvisor({"run", "--events=-", "--event_kinds=signal", "./sigchld"}, {"5 children, "});
  const std::regex sent(" signal signo=17 to_pid=2 ");
  EXPECT_EQ(std::distance(std::sregex_iterator(run.begin(), run.end(), sent), {}), 5) << run;
}

TEST_F(ExercisesPage, APipeWithoutAnEnd) {
  Compile("pipe");
  Forkvisor({"run", "--timeout=2", "./pipe"}, {"the run took longer than --timeout allows"}, 124);
}

TEST_F(ExercisesPage, Vfork) {
  Compile("vfork");
  Forkvisor({"run", "--events=-", "--event_kinds=fork-begin,fork-end", "./vfork"},
            {"flags=0x4100 ", "ptes=0 tables=0 vmas=0", "x is 2\n"});
  Forkvisor({"inspect", "--at=fork-end", "ps", "--", "./vfork"},
            {"  2     2     1  uninterruptible"});
}

TEST_F(ExercisesPage, LostUpdates) {
  Compile("lost");
  Forkvisor({"run", "--deterministic", "./lost"}, {"20000000\n"});
}

TEST_F(ExercisesPage, AKernelWithABug) {
  Compile("cow");
  const std::vector<std::string> bug = {"--kernel=" + Absolute(FLAGS_buggy_kernel),
                                        "--mutant=child-keeps-write", "./cow"};
  std::vector<std::string> words = {"run"};
  words.insert(words.end(), bug.begin(), bug.end());
  Forkvisor(words, {"the parent has 2\n"});
  words[0] = "check";
  Forkvisor(words, {"I1 broken: private sharing is never writable", "task     pid 3 (cow)"}, 1);
}

}  // namespace
}  // namespace fv::tests

int main(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  gflags::ParseCommandLineFlags(&argc, &argv, true);
  return RUN_ALL_TESTS();
}
