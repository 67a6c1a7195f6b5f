// SPDX-License-Identifier: Apache-2.0
//
// Results of a benchmark as plain data, and their three forms: a table for people, Google
// Benchmark's JSON (its tools/compare.py reads it), CSV. Pure functions.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "src/bench/fork_phases.h"
#include "src/bench/statistics.h"
#include "src/stats/histogram.h"

namespace fv::bench {

enum class Side : uint8_t { kGuest, kNative, kGuestChecked };
enum class Metric : uint8_t { kNullSyscall, kFork, kForkAgain, kForkExitWait, kCow };

const char* SideName(Side side);        // "guest", "native", "guest_checked"
const char* MetricName(Metric metric);  // "null_syscall", "fork", "fork_again", ...

// One size, all sides. Times in ns.
struct SizeResult {
  uint64_t bytes = 0;
  std::map<std::pair<Side, Metric>, Summary> times;
  std::map<std::pair<Side, Metric>, stats::Histogram> distributions;  // picoseconds
  std::optional<PhaseSummary> phases;

  const Summary* Find(Side side, Metric metric) const;
  // Pages that a fork has to carry over: those of the size, or all that the kernel copied entries
  // for if that is more (the program has some of its own). 0 if unknown.
  double MappedPages() const;
};

struct Context {
  std::string date;  // ISO 8601
  std::string host_name;
  std::string executable;
  std::string cpu;     // model name
  std::string kernel;  // Linux's release
  std::string kvm_backend;
  std::string kernel_ring;
  std::string commit;
  std::string touch;
  std::string strategy;
  int cpus = 0;
  double mhz = 0;  // of the time-stamp counter
  std::vector<double> load;
};

struct Results {
  Context context;
  std::vector<SizeResult> sizes;
};

std::string FormatTable(const Results& results);
std::string FormatJson(const Results& results);
std::string FormatCsv(const Results& results);

// "512", "4K", "1G"; "85 us", "1.3 ms".
std::string FormatBytes(uint64_t bytes);
std::string FormatTime(double ns);

}  // namespace fv::bench
