// SPDX-License-Identifier: Apache-2.0
#include "src/lab/noise.h"

#include <x86intrin.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <sstream>

#include "absl/strings/str_format.h"
#include "src/bench/host.h"

namespace fv::lab {
namespace {

// Above these, a reader should know.
constexpr double kQuietLoad = 0.5;
constexpr double kQuietSteal = 0.01;
constexpr double kQuietSpread = 1.05;

constexpr size_t kFieldsOfCpu = 8;  // user nice system idle iowait irq softirq steal
constexpr size_t kStealField = 7;

// Steps of a linear congruence, each of which needs the one before: the same work on every machine
// and at every time.
constexpr uint64_t kLoopSteps = 1'000'000;

uint64_t TimeLoop() {
  uint64_t state = 1;
  const uint64_t start = __rdtsc();
  for (uint64_t i = 0; i < kLoopSteps; ++i) {
    state = state * 6364136223846793005u + 1442695040888963407u;
    __asm__ volatile("" : "+r"(state));
  }
  return __rdtsc() - start;
}

double LoadNow() {
  double load = 0;
  return getloadavg(&load, 1) == 1 ? load : 0;
}

}  // namespace

double Noise::CalibrationSpread() const {
  const double low = calibration.Percentile(0.1);
  return low > 0 ? calibration.Percentile(0.9) / low : 1;
}

std::vector<std::string> NoiseWarnings(const Noise& noise) {
  std::vector<std::string> warnings;
  if (noise.load_before > kQuietLoad || noise.load_highest > 1 + kQuietLoad) {
    warnings.push_back(absl::StrFormat(
        "the machine had other work: load average %.2f before, up to %.2f (1 is the experiment)",
        noise.load_before, noise.load_highest));
  }
  if (noise.steal > kQuietSteal) {
    warnings.push_back(absl::StrFormat(
        "%.1f %% of the CPU's time was stolen by the hypervisor above", noise.steal * 100));
  }
  if (noise.CalibrationSpread() > kQuietSpread) {
    warnings.push_back(absl::StrFormat(
        "the same loop took %.2f times as long in the slow batches as in the quick ones "
        "(90th by 10th percentile)",
        noise.CalibrationSpread()));
  }
  return warnings;
}

CpuTimes ParseCpuTimes(const std::string& proc_stat, int cpu) {
  const std::string wanted = cpu < 0 ? "cpu" : absl::StrFormat("cpu%d", cpu);
  std::istringstream lines(proc_stat);
  for (std::string line; std::getline(lines, line);) {
    std::istringstream words(line);
    std::string name;
    words >> name;
    if (name != wanted) continue;
    CpuTimes times;
    uint64_t jiffies = 0;
    for (size_t field = 0; field < kFieldsOfCpu && words >> jiffies; ++field) {
      times.total += jiffies;
      if (field == kStealField) times.steal = jiffies;
    }
    return times;
  }
  return {};
}

NoiseWatch::NoiseWatch(int cpu)
    : cpu_(cpu), before_(ParseCpuTimes(bench::ReadText("/proc/stat"), cpu)) {
  noise_.load_before = noise_.load_highest = LoadNow();
}

uint64_t NoiseWatch::Calibrate() {
  const uint64_t cycles = TimeLoop();
  noise_.calibration.Record(cycles);
  noise_.load_highest = std::max(noise_.load_highest, LoadNow());
  return cycles;
}

Noise NoiseWatch::Finish() const {
  Noise noise = noise_;
  const CpuTimes now = ParseCpuTimes(bench::ReadText("/proc/stat"), cpu_);
  const uint64_t total = now.total - before_.total;
  if (now.total > before_.total && now.steal >= before_.steal) {
    noise.steal = static_cast<double>(now.steal - before_.steal) / static_cast<double>(total);
  }
  return noise;
}

}  // namespace fv::lab
