// SPDX-License-Identifier: Apache-2.0
//
// The laboratory as a whole, on a tiny matrix: every cell is there, the costs that do not depend on
// time are what the strategies say, and an experiment goes on where it ended. No time is looked at.
#include <gflags/gflags.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>

#include "tests/programs/process.h"
#include "vmm/testing/require_kvm.h"

DEFINE_string(forkvisor, "", "the command");

namespace fv::tests {
namespace {

using Json = nlohmann::json;

constexpr int kPages = 256;  // of 1 MiB
constexpr char kVary[] = "--vary=size:0+1M,strategy:classic+ondemand+eager,depth:0+1,dirty:50";
constexpr size_t kCells = size_t{2} * (3 + 1) * 2;
constexpr size_t kGuestCells = size_t{2} * 3 * 2;

std::string Content(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

class LaboratoryTest : public vmm::testing::KvmTest {
 protected:
  ProcessResult Forkvisor(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), std::filesystem::absolute(FLAGS_forkvisor).string());
    return RunProcess({.argv = arguments,
                       .environment = {"TMPDIR=" + directory_.path()},
                       .cwd = "/",
                       .input = "",
                       .timeout = std::chrono::seconds(120)});
  }
  ProcessResult Bench(std::vector<std::string> more) {
    more.insert(more.begin(), {"bench", kVary, "--repetitions=2", "--format=json"});
    return Forkvisor(more);
  }
  std::string Path(const std::string& name) const { return directory_.path() + "/" + name; }

  TempDirectory directory_;
};

const Json& CostsOf(const Json& result, const std::string& cell, const std::string& age) {
  for (const Json& row : result["costs"]) {
    if (row["cell"] == cell && row["age"] == age) return row;
  }
  throw std::runtime_error("no costs of " + cell);
}

std::string Name(const char* strategy, int depth) {
  return std::string(strategy) + "/size:1048576/touch:write/vmas:1/depth:" + std::to_string(depth) +
         "/dirty:50";
}

TEST_F(LaboratoryTest, MeasuresEveryCellAndExplainsIt) {
  const ProcessResult run = Bench({});
  ASSERT_EQ(run.status, 0) << run.err;
  const Json result = Json::parse(run.out);
  size_t forks = 0;
  for (const Json& row : result["benchmarks"]) forks += row["series"] == "fork_again";
  EXPECT_EQ(forks, kCells);
  EXPECT_EQ(result["costs"].size(), 2 * kGuestCells);
  EXPECT_EQ(result["context"]["ended"], "repetitions");

  // Half of the pages are dirty. At depth 0 the child copies them and the parent keeps them; with
  // an ancestor both copy, for he holds the originals.
  const Json& alone = CostsOf(result, Name("classic", 0), "first");
  EXPECT_EQ(alone["pages_copied_child"], kPages / 2);
  EXPECT_EQ(alone["pages_copied_parent"], 0);
  EXPECT_GE(alone["faults_parent"], kPages / 2);
  EXPECT_GE(alone["ptes"], kPages);
  const Json& nested = CostsOf(result, Name("classic", 1), "first");
  EXPECT_EQ(nested["pages_copied_child"], kPages / 2);
  EXPECT_EQ(nested["pages_copied_parent"], kPages / 2);
  // Eager copies everything at once, and nothing afterwards.
  const Json& eager = CostsOf(result, Name("eager", 0), "again");
  EXPECT_GE(eager["pages_copied_in_fork"], kPages);
  EXPECT_EQ(eager["pages_copied_child"], 0);
  EXPECT_EQ(eager["pages_copied_parent"], 0);
  // On demand the entries are copied later, the pages as ever.
  const Json& ondemand = CostsOf(result, Name("ondemand", 0), "again");
  EXPECT_LT(ondemand["ptes"], kPages);
  EXPECT_EQ(ondemand["pages_copied_child"], kPages / 2);
}

TEST_F(LaboratoryTest, GoesOnWhereItEnded) {
  const std::string journal = Path("journal");
  const std::string resume = "--resume=" + journal;
  ASSERT_EQ(Bench({resume, "--out=" + Path("first.json")}).status, 0);
  const std::string whole = Content(journal);
  const auto lines = [](const std::string& text) {
    return std::count(text.begin(), text.end(), '\n');
  };
  // As after a kill in the middle of a batch.
  std::ofstream(journal, std::ios::binary) << whole.substr(0, whole.size() / 2);
  ASSERT_LT(lines(Content(journal)), lines(whole));
  const ProcessResult second = Bench({resume, "--out=" + Path("second.json")});
  ASSERT_EQ(second.status, 0) << second.err;
  EXPECT_NE(second.err.find("resumed with"), std::string::npos) << second.err;
  EXPECT_EQ(lines(Content(journal)), lines(whole));
  // Nothing is left to do.
  const std::string complete = Content(journal);
  ASSERT_EQ(Bench({resume, "--out=" + Path("third.json")}).status, 0);
  EXPECT_EQ(Content(journal), complete);
  EXPECT_EQ(Json::parse(Content(Path("third.json")))["benchmarks"],
            Json::parse(Content(Path("second.json")))["benchmarks"]);
  EXPECT_EQ(Forkvisor({"compare", Path("second.json"), Path("third.json")}).status, 0);

  const ProcessResult other = Forkvisor({"bench", "--vary=size:0", "--repetitions=2", resume});
  EXPECT_EQ(other.status, 2);
  EXPECT_NE(other.err.find("begun with another matrix"), std::string::npos) << other.err;
  EXPECT_EQ(Content(journal), complete);
}

// Ends the experiment by a signal after its first batch, and returns what its output, its messages
// and its exit code were.
constexpr char kInterrupt[] = R"(
  mkfifo messages
  env --default-signal "$1" bench --vary=size:0+1M,strategy:classic --budget=1h --format=json \
      --report=page.html >result.json 2>messages &
  while read -r line; do
    printf '%s\n' "$line"
    case $line in *'round 1,'*) test -e sent || kill -"$2" $!; : >sent ;; esac
  done <messages
  wait $!
)";

TEST_F(LaboratoryTest, AnInterruptedExperimentIsNotLost) {
  for (const auto& [name, number] : {std::pair("INT", 2), std::pair("TERM", 15)}) {
    const TempDirectory work;
    const ProcessResult run =
        RunProcess({.argv = {"/bin/sh", "-c", kInterrupt, "sh",
                             std::filesystem::absolute(FLAGS_forkvisor).string(), name},
                    .environment = {"PATH=/usr/bin:/bin", "TMPDIR=" + work.path()},
                    .cwd = work.path(),
                    .input = "",
                    .timeout = std::chrono::seconds(120)});
    ASSERT_EQ(run.status, 128 + number) << run.out << run.err;
    const std::string flag = "--resume=";
    const size_t at = run.out.find(flag);
    ASSERT_NE(at, std::string::npos) << run.out;
    const std::string journal = run.out.substr(at, run.out.find(' ', at) - at);
    const Json result = Json::parse(Content(work.path() + "/result.json"));
    EXPECT_EQ(result["context"]["ended"], "interrupted");
    EXPECT_FALSE(result["benchmarks"].empty());
    EXPECT_NE(Content(work.path() + "/page.html").find("ended: interrupted"), std::string::npos);
    const ProcessResult rest =
        Forkvisor({"bench", "--vary=size:0+1M,strategy:classic", "--repetitions=2", journal});
    EXPECT_EQ(rest.status, 0) << rest.err;
    EXPECT_NE(rest.err.find("resumed with"), std::string::npos) << rest.err;
  }
}

}  // namespace
}  // namespace fv::tests

int main(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  gflags::ParseCommandLineFlags(&argc, &argv, true);
  return RUN_ALL_TESTS();
}
