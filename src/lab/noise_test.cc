// SPDX-License-Identifier: Apache-2.0
//
// When a machine counts as noisy.
#include "src/lab/noise.h"

#include <gtest/gtest.h>

namespace fv::lab {
namespace {

TEST(NoiseWarnings, AQuietMachineHasNone) {
  Noise noise;
  noise.load_before = 0.1;
  noise.load_highest = 1.1;
  noise.calibration.Record(1000, 90);
  noise.calibration.Record(1020, 10);
  EXPECT_TRUE(NoiseWarnings(noise).empty());
  EXPECT_TRUE(NoiseWarnings(Noise()).empty());
}

TEST(NoiseWarnings, EachWitnessSpeaks) {
  Noise noise;
  noise.load_highest = 3;
  ASSERT_EQ(NoiseWarnings(noise).size(), 1u);
  EXPECT_NE(NoiseWarnings(noise)[0].find("load average"), std::string::npos);
  noise.steal = 0.05;
  ASSERT_EQ(NoiseWarnings(noise).size(), 2u);
  EXPECT_NE(NoiseWarnings(noise)[1].find("5.0 %"), std::string::npos);
  noise.calibration.Record(1000, 50);
  noise.calibration.Record(2000, 50);
  ASSERT_EQ(NoiseWarnings(noise).size(), 3u);
  EXPECT_NE(NoiseWarnings(noise)[2].find("2.00 times"), std::string::npos);
}

TEST(ParseCpuTimes, ReadsOneLineOfProcStat) {
  const std::string text =
      "cpu  10 20 30 40 50 60 70 80 5 5\n"
      "cpu0 1 2 3 4 5 6 7 8 5 5\n"
      "cpu1 2 2 2 2 2 2 2 2 0 0\n"
      "ctxt 99\n";
  EXPECT_EQ(ParseCpuTimes(text, 0).total, 36u);  // guest time is in user time already
  EXPECT_EQ(ParseCpuTimes(text, 0).steal, 8u);
  EXPECT_EQ(ParseCpuTimes(text, -1).steal, 80u);
  EXPECT_EQ(ParseCpuTimes(text, 7).total, 0u);
  EXPECT_EQ(ParseCpuTimes("", 0).total, 0u);
}

TEST(NoiseWatch, TheLoopTakesTime) {
  NoiseWatch watch(-1);
  EXPECT_GT(watch.Calibrate(), 1'000'000u);  // a multiplication a step, at least a cycle each
  watch.AddCalibration(5);
  const Noise noise = watch.Finish();
  EXPECT_EQ(noise.calibration.count(), 2u);
  EXPECT_GE(noise.steal, 0);
  EXPECT_LE(noise.steal, 1);
}

}  // namespace
}  // namespace fv::lab
