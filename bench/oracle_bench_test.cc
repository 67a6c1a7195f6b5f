// SPDX-License-Identifier: Apache-2.0
//
// The synthetic guests of oracle_bench tell the oracle all that it wants to hear: it measures
// checks that find nothing.
#include <gtest/gtest.h>

#include <cstdio>
#include <string>

namespace fv {
namespace {

std::string g_binary;

// Standard output of `command`, which has to succeed.
std::string OutputOf(const std::string& command) {
  std::string output;
  std::FILE* pipe = popen(command.c_str(), "r");
  if (pipe == nullptr) return output;
  char bytes[4096];
  for (size_t got; (got = std::fread(bytes, 1, sizeof(bytes), pipe)) > 0;)
    output.append(bytes, got);
  EXPECT_EQ(pclose(pipe), 0) << command;
  return output;
}

TEST(OracleBench, AccusesNobody) {
  const std::string output =
      OutputOf("'" + g_binary +
               "' '--benchmark_filter=FullWalk/pages:4096$|CowBreak/pages:1024/|Tasks/tasks:10/|"
               "Fork/pages:256/' --benchmark_min_time=0.001");
  for (const char* name :
       {"FullWalk/", "IncrementalCowBreak/", "IncrementalManyTasks/", "IncrementalFork/"}) {
    EXPECT_NE(output.find(name), std::string::npos) << output;
  }
  EXPECT_EQ(output.find("ERROR OCCURRED"), std::string::npos) << output;
}

}  // namespace
}  // namespace fv

int main(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  fv::g_binary = argv[1];
  return RUN_ALL_TESTS();
}
