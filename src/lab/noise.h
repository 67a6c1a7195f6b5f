// SPDX-License-Identifier: Apache-2.0
//
// Whether the machine had something else to do. Three witnesses: the load average, time that a
// hypervisor above took away (steal), and a fixed loop that is timed before each batch.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "src/stats/histogram.h"

namespace fv::lab {

struct Noise {
  double load_before = 0;        // load average of the last minute when the experiment began
  double load_highest = 0;       // at any batch; the experiment itself is 1 of it
  double steal = 0;              // part of the CPU's time that was stolen, 0 to 1
  stats::Histogram calibration;  // cycles of the loop, a value a batch

  // 90th by 10th percentile of the loop; 1 on a machine of perfect calm.
  double CalibrationSpread() const;
};

// A sentence for each witness that saw noise.
std::vector<std::string> NoiseWarnings(const Noise& noise);

// Jiffies of one CPU, or of all for -1, from the text of /proc/stat (proc_stat(5)).
struct CpuTimes {
  uint64_t total = 0;
  uint64_t steal = 0;
};
CpuTimes ParseCpuTimes(const std::string& proc_stat, int cpu);

// Watches one CPU from its construction on. Of the thread that is pinned to it.
class NoiseWatch {
 public:
  explicit NoiseWatch(int cpu);

  // Runs the loop, a few milliseconds, and looks at the load. Returns its cycles.
  uint64_t Calibrate();
  // One that a former process made.
  void AddCalibration(uint64_t cycles) { noise_.calibration.Record(cycles); }
  Noise Finish() const;

 private:
  int cpu_;
  CpuTimes before_;
  Noise noise_;
};

}  // namespace fv::lab
