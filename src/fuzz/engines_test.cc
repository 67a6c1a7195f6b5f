// SPDX-License-Identifier: Apache-2.0
//
// What other engines and several machines need: the judge as afl's target, campaigns merged.
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <string>
#include <thread>
#include <vector>

#include "src/cli/guest_kernel.h"
#include "src/fuzz/afl_target.h"
#include "src/fuzz/executor_program.h"
#include "src/fuzz/merge.h"
#include "src/fuzz/mutate.h"
#include "vmm/fd.h"
#include "vmm/testing/require_kvm.h"
#include "vmm/whole_file.h"

namespace fv::fuzz {
namespace {

namespace fs = std::filesystem;

class FuzzEngines : public vmm::testing::KvmTest {
 protected:
  static JudgeOptions Options() {
    JudgeOptions options;
    options.guest = {.kernel_image = embedded::GuestKernel(),
                     .executor = embedded::FuzzExecutor(),
                     .check = oracle::CheckMode::kOff};
    return options;
  }
  static std::string Fresh(const std::string& name) {
    std::string path = ::testing::TempDir() + "/" + name;
    fs::remove_all(path);
    return path;
  }
};

uint64_t FilesIn(const std::string& directory) {
  return static_cast<uint64_t>(
      std::distance(fs::directory_iterator(directory), fs::directory_iterator()));
}

uint32_t Word(int fd) {
  uint32_t word = ~0u;
  EXPECT_EQ(read(fd, &word, sizeof(word)), static_cast<ssize_t>(sizeof(word)));
  return word;
}

TEST_F(FuzzEngines, ATargetOfAfl) {
  int control[2], status[2];
  ASSERT_EQ(pipe(control), 0);
  ASSERT_EQ(pipe(status), 0);
  vmm::Fd requests(control[1]);
  const vmm::Fd input(memfd_create("input", MFD_CLOEXEC));
  Random random(1);
  const std::string program = Encode(RandomProgram(random, {}));
  ASSERT_EQ(pwrite(input.get(), program.data(), program.size(), 0),
            static_cast<ssize_t>(program.size()));
  std::vector<uint8_t> map(kAflMapBytes);
  const auto store = Store::Open(Fresh("afl"));
  ASSERT_TRUE(store.ok());
  absl::Status served;
  std::thread target([&] {
    served =
        ServeAfl(Options(), *store,
                 {.control = control[0], .status = status[1], .input = input.get(), .map = map});
  });
  EXPECT_EQ(Word(status[0]), 0u);  // hello
  std::vector<uint8_t> first;
  for (int run = 0; run < 2; ++run) {
    std::fill(map.begin(), map.end(), uint8_t{0});
    const uint32_t word = 0;
    ASSERT_EQ(write(requests.get(), &word, sizeof(word)), static_cast<ssize_t>(sizeof(word)));
    EXPECT_EQ(Word(status[0]), static_cast<uint32_t>(getpid()));
    EXPECT_EQ(Word(status[0]), 0u);
    EXPECT_GT(std::count_if(map.begin(), map.end(), [](uint8_t n) { return n != 0; }), 3);
    if (run == 0) first = map;
  }
  EXPECT_EQ(map, first) << "the same program shows the same";
  requests = vmm::Fd();
  target.join();
  EXPECT_TRUE(served.ok()) << served;
}

TEST_F(FuzzEngines, MergeKeepsWhatShowsMore) {
  const std::string one = Fresh("one"), two = Fresh("two"), all = Fresh("all");
  const auto first = Store::Open(one), second = Store::Open(two), into = Store::Open(all);
  ASSERT_TRUE(first.ok() && second.ok() && into.ok());
  for (uint64_t seed = 1; seed <= 12; ++seed) {
    Random random(seed);
    const std::string bytes = Encode(RandomProgram(random, {}));
    const std::string name = "/" + std::to_string(seed);
    // Half of them twice.
    ASSERT_TRUE(vmm::WriteWholeFile(first->corpus() + name, bytes).ok());
    if (seed % 2 == 0) ASSERT_TRUE(vmm::WriteWholeFile(second->corpus() + name, bytes).ok());
  }
  ASSERT_TRUE(vmm::WriteWholeFile(second->findings() + "/panic-1.textproto", "# known\n").ok());
  const auto merged = MergeCampaigns(Options(), {one, two}, *into);
  ASSERT_TRUE(merged.ok()) << merged.status();
  EXPECT_EQ(merged->programs, 12u);
  EXPECT_GT(merged->kept, 0u);
  EXPECT_LE(merged->kept, 12u);
  EXPECT_EQ(merged->findings, 1u);
  EXPECT_EQ(FilesIn(into->corpus()), merged->kept);
  EXPECT_EQ(FilesIn(into->findings()), 1u);
  // What was kept shows all that there was.
  const std::string again = Fresh("again");
  const auto last = Store::Open(again);
  const auto twice = MergeCampaigns(Options(), {all, one}, *last);
  ASSERT_TRUE(twice.ok()) << twice.status();
  EXPECT_EQ(twice->features, merged->features);
  EXPECT_FALSE(MergeCampaigns(Options(), {Fresh("nothing")}, *into).ok());
}

}  // namespace
}  // namespace fv::fuzz
