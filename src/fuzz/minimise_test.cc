// SPDX-License-Identifier: Apache-2.0
#include "src/fuzz/minimise.h"

#include <gtest/gtest.h>

#include "src/fuzz/calls.h"
#include "src/fuzz/mutate.h"
#include "src/fuzz/text.h"

namespace fv::fuzz {
namespace {

bool Makes(const Program& program, size_t from_task, const char* call) {
  for (size_t task = from_task; task < program.tasks.size(); ++task) {
    for (const Step& step : program.tasks[task].steps) {
      if (FindCall(step.call)->name == call) return true;
    }
  }
  return false;
}

TEST(Minimise, LeavesWhatIsNeeded) {
  Random random(1);
  size_t tried = 0;
  for (int round = 0; round < 4000 && tried < 20; ++round) {
    const Program program = RandomProgram(random, {});
    const auto shows = [](const Program& p) { return Makes(p, 0, "mmap") && Makes(p, 1, "store"); };
    if (!shows(program)) continue;
    ++tried;
    const Program small = Minimise(program, shows, 1000);
    ASSERT_TRUE(IsValid(small));
    ASSERT_TRUE(shows(small));
    // mmap, the calls that make the task of the store, and the store.
    ASSERT_EQ(small.Steps(), 2 + small.tasks.size() - 1) << ToText(small);
  }
  EXPECT_EQ(tried, 20u);
}

TEST(Minimise, StopsWhenItMayAskNoMore) {
  Program program;
  program.tasks.resize(1);
  program.tasks[0].steps.resize(8, {FindCall("getpid")->number, {}});
  Repair(program);
  size_t asked = 0;
  const Program small = Minimise(
      program,
      [&asked](const Program&) {
        ++asked;
        return false;
      },
      3);
  EXPECT_EQ(asked, 3u);
  EXPECT_TRUE(IsValid(small));
}

}  // namespace
}  // namespace fv::fuzz
