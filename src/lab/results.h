// SPDX-License-Identifier: Apache-2.0
//
// What an experiment found, as plain data, and its forms. Made of batches; every form is a pure
// function of it.
#pragma once

#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "src/bench/results.h"
#include "src/lab/batch.h"
#include "src/lab/cell.h"
#include "src/lab/noise.h"
#include "src/stats/histogram.h"
#include "src/stats/median.h"

namespace fv::lab {

// The series of guest/user/bench/fork_lab.c, in the order in which a reader wants them.
struct SeriesName {
  const char* name;
  const char* meaning;
};
inline constexpr SeriesName kSeries[] = {
    {"fork", "fork call as the parent sees it, pages never shared before"},
    {"fork_again", "fork call, pages shared already but for the dirty ones"},
    {"start", "fork call to the child's first instruction, pages never shared before"},
    {"start_again", "fork call to the child's first instruction, forked again"},
    {"child_writes", "child writes the dirty pages, after the first fork"},
    {"child_writes_again", "child writes the dirty pages, forked again"},
    {"parent_writes", "parent writes the same pages after it, after the first fork"},
    {"parent_writes_again", "parent writes the same pages after it, forked again"},
    {"done", "fork call until both have written and the child was waited for, first fork"},
    {"done_again", "fork call until both have written and the child was waited for, forked again"},
    {"fork_exit_wait", "fork, _exit, wait4"},
    {"vfork_exit_wait", "vfork, _exit, wait4"},
    {"fork_exec", "fork, exec of a program that ends at once, wait4"},
    {"vfork_exec", "vfork, exec of a program that ends at once, wait4"},
    {"spawn", "posix_spawn of a program that ends at once, wait4"},
};
// A cell is precise when these are.
inline constexpr const char* kDecisive[] = {"fork", "fork_again"};

struct Series {
  stats::Histogram picoseconds;
  std::vector<double> round_medians_ns;  // of each batch: each a guest of its own

  stats::Median MedianNs() const;
  double Ns(double fraction) const { return picoseconds.Percentile(fraction) / 1000; }
};

struct CellResult {
  Cell cell;
  uint64_t cycles = 0;
  unsigned rounds = 0;
  double seconds = 0;
  uint64_t huge_bytes = 0;
  std::map<std::string, Series> series;
  // Of guests. Phases from the timed runs, the rest from the run that counts.
  std::optional<CostSummary> costs[2];  // by Age

  const Series* Find(const std::string& name) const;
  // Widest interval of the decisive series; infinite if one is missing.
  double Width() const;
};

// Why an experiment took no longer.
enum class Ended : uint8_t { kPrecise, kRepetitions, kBudget, kInterrupted };
const char* EndedName(Ended ended);  // "precise", ...

struct LabResults {
  bench::Context context;
  std::string command;
  std::string matrix;
  Ended ended = Ended::kPrecise;
  double target_width = 0;
  double seconds = 0;
  Noise noise;
  std::vector<CellResult> cells;
};

// Gathers batches by cell.
class Gatherer {
 public:
  explicit Gatherer(const std::vector<Cell>& cells);
  // The index of the batch's cell; nullopt if there is no such one.
  std::optional<size_t> Add(const Batch& batch);
  // With the costs summed up.
  std::vector<CellResult> Finish() const;
  const CellResult& at(size_t cell) const { return results_[cell]; }
  bool counted(size_t cell) const { return !counts_[cell].empty(); }

 private:
  std::map<std::string, size_t> index_;
  std::vector<CellResult> results_;
  // Forks with the frequency of their run's counter.
  std::vector<std::vector<ForkCost>> timed_;
  std::vector<std::vector<ForkCost>> counts_;
  std::vector<std::optional<KvmPerFork>> kvm_;
  std::vector<uint64_t> khz_;
};

std::string FormatLabTable(const LabResults& results);
std::string FormatLabJson(const LabResults& results);
std::string FormatLabCsv(const LabResults& results);
// Every distribution as HdrHistogram's text, in microseconds, each below its name.
std::string FormatHistograms(const LabResults& results);

}  // namespace fv::lab
