// SPDX-License-Identifier: Apache-2.0
#include "src/bench/bench.h"

#include <gtest/gtest.h>

namespace fv::bench {
namespace {

TEST(Bench, EndsBetweenRunsWhenItIsAskedTo) {
  int asked = 0;
  BenchOptions options;
  options.sizes = {0, 4096};
  options.stop = [&asked] {
    ++asked;
    return true;
  };
  EXPECT_TRUE(absl::IsCancelled(RunBench(options).status()));
  EXPECT_EQ(asked, 1) << "and no further run is begun";
}

}  // namespace
}  // namespace fv::bench
