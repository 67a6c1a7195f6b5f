// SPDX-License-Identifier: Apache-2.0
//
// The host's side of a benchmark, on this host.
#include "src/bench/host.h"

#include <gtest/gtest.h>
#include <sched.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <system_error>

#include "src/bench/bench.h"

namespace fv::bench {
namespace {

TEST(ProcValue, FindsAKey) {
  EXPECT_EQ(ProcValue("a : 1\nmodel name\t: X: Y\n", "model name"), "X: Y");
  EXPECT_EQ(ProcValue("a : 1\n", "b"), "");
}

TEST(HostContext, KnowsTheHost) {
  const Context context = HostContext();
  EXPECT_FALSE(context.cpu.empty());
  EXPECT_FALSE(context.kernel.empty());
  EXPECT_GT(context.cpus, 0);
  EXPECT_EQ(context.date.size(), 24u) << context.date;
  EXPECT_GT(AvailableMemory(), uint64_t{16} << 20);
}

TEST(PinnedCpu, PinsAndLetsGo) {
  cpu_set_t before;
  ASSERT_EQ(sched_getaffinity(0, sizeof(before), &before), 0);
  {
    PinnedCpu pinned;
    cpu_set_t now;
    ASSERT_EQ(sched_getaffinity(0, sizeof(now), &now), 0);
    EXPECT_EQ(CPU_COUNT(&now), 1);
    EXPECT_TRUE(CPU_ISSET(pinned.cpu(), &now));
  }
  cpu_set_t after;
  ASSERT_EQ(sched_getaffinity(0, sizeof(after), &after), 0);
  EXPECT_TRUE(CPU_EQUAL(&before, &after));
}

std::vector<uint8_t> Script(const std::string& text) { return {text.begin(), text.end()}; }

TEST(RunNative, ReturnsTheOutput) {
  std::string path;
  {
    const TemporaryProgram program("hello", Script("#!/bin/sh\necho \"$1-$2\"\n"));
    path = program.path();
    const auto output = RunNative(path, {"a", "b c"});
    ASSERT_TRUE(output.ok()) << output.status();
    EXPECT_EQ(*output, "a-b c\n");
  }
  EXPECT_NE(access(path.c_str(), F_OK), 0) << "removed";
}

TEST(TemporaryProgram, OneThatCannotBeWrittenLeavesNothing) {
  const std::filesystem::path top = std::filesystem::path(testing::TempDir()) / "programs";
  std::filesystem::create_directories(top);
  setenv("TMPDIR", top.c_str(), 1);
  EXPECT_THROW(TemporaryProgram("no/such/folder", Script("")), std::system_error);
  unsetenv("TMPDIR");
  EXPECT_TRUE(std::filesystem::is_empty(top));
}

TEST(RunNative, AFailureIsAnError) {
  const TemporaryProgram program("fail", Script("#!/bin/sh\nexit 3\n"));
  EXPECT_FALSE(RunNative(program.path(), {}).ok());
  EXPECT_FALSE(RunNative("/no/such/program", {}).ok());
}

TEST(GuestRam, HoldsThePagesAndTheirTables) {
  constexpr uint64_t kGiB = uint64_t{1} << 30;
  EXPECT_GE(GuestRamFor(0, proto::ForkMemory::kShares), uint64_t{32} << 20);
  EXPECT_GT(GuestRamFor(kGiB, proto::ForkMemory::kShares), kGiB + kGiB / 64);
  EXPECT_GT(GuestRamFor(kGiB, proto::ForkMemory::kCopies), 2 * kGiB);
}

}  // namespace
}  // namespace fv::bench
