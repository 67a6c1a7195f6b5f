// SPDX-License-Identifier: Apache-2.0
//
// Names and the numbers derived from results.
#include "src/bench/results.h"

#include <algorithm>

#include "absl/strings/str_format.h"

namespace fv::bench {
namespace {

constexpr double kPageBytes = 4096;

}  // namespace

const char* SideName(Side side) {
  switch (side) {
    case Side::kGuest:
      return "guest";
    case Side::kNative:
      return "native";
    case Side::kGuestChecked:
      return "guest_checked";
  }
  return "?";
}

const char* MetricName(Metric metric) {
  switch (metric) {
    case Metric::kNullSyscall:
      return "null_syscall";
    case Metric::kFork:
      return "fork";
    case Metric::kForkAgain:
      return "fork_again";
    case Metric::kForkExitWait:
      return "fork_exit_wait";
    case Metric::kCow:
      return "cow_fault";
  }
  return "?";
}

const Summary* SizeResult::Find(Side side, Metric metric) const {
  const auto found = times.find({side, metric});
  return found == times.end() || found->second.count == 0 ? nullptr : &found->second;
}

double SizeResult::MappedPages() const {
  const double pages = static_cast<double>(bytes) / kPageBytes;
  return phases ? std::max(pages, phases->ptes) : pages;
}

std::string FormatBytes(uint64_t bytes) {
  static constexpr std::pair<int, char> kUnits[] = {{30, 'G'}, {20, 'M'}, {10, 'K'}};
  for (const auto& [shift, letter] : kUnits) {
    if (bytes >= uint64_t{1} << shift && bytes % (uint64_t{1} << shift) == 0) {
      return absl::StrFormat("%d%c", bytes >> shift, letter);
    }
  }
  return absl::StrFormat("%d", bytes);
}

std::string FormatTime(double ns) {
  struct Unit {
    double ns;
    const char* name;
  };
  static constexpr Unit kUnits[] = {{1e9, "s"}, {1e6, "ms"}, {1e3, "us"}, {1, "ns"}};
  for (const Unit& unit : kUnits) {
    if (ns < unit.ns && unit.ns > 1) continue;
    const double value = ns / unit.ns;
    return absl::StrFormat("%.*f %s", value < 10 ? 2 : value < 100 ? 1 : 0, value, unit.name);
  }
  return "0 ns";
}

}  // namespace fv::bench
