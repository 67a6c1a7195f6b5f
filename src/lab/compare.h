// SPDX-License-Identifier: Apache-2.0
//
// Two results of the benchmark, cell by cell: did it get slower? Reads the JSON of forkvisor bench,
// of the laboratory and of the plain table.
//
// What is compared are the medians of batches, each of which was a guest (or a process) of its own:
// samples of one batch resemble each other, so that thousands of them would call a difference of
// nothing significant. A result without batches is compared by its samples.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "src/lab/cell.h"
#include "src/lab/results.h"
#include "src/stats/two_samples.h"

namespace fv::lab {

// One row of a result: what was measured, and its observations in ns.
struct Measured {
  std::string name;
  double median_ns = 0;
  std::vector<double> observations;
  // Where it belongs in an experiment. Of a row of the plain table the cell has system and size, of
  // a row that says neither the series is its name.
  std::string series{};
  Cell cell{};
  Series distribution{};
};

// InvalidArgument if the text is no result of forkvisor bench, or has no distributions.
absl::StatusOr<std::vector<Measured>> ReadMeasured(std::string_view json);

// Where a result comes from, for people. What it does not say is empty.
struct Origin {
  std::string machine;
  std::string command;
  std::string date;
  std::string commit;
};
// InvalidArgument if the text is no JSON object.
absl::StatusOr<Origin> ReadOrigin(std::string_view json);

struct CompareOptions {
  double bound = 0.05;         // a ratio above 1 + bound is a regression, if it is significant
  double significance = 0.01;  // of all tests together (Holm's correction)
};

enum class Verdict : uint8_t { kSame, kSlower, kFaster };
const char* VerdictName(Verdict verdict);  // "", "slower", "faster"

struct Comparison {
  std::string name;
  double before_ns = 0;
  double after_ns = 0;
  stats::Ratio ratio;  // of after to before
  double p = 1;        // of Mann and Whitney's test, corrected for the number of tests
  Verdict verdict = Verdict::kSame;
  std::string series{};  // of the row
  Cell cell{};
};

struct Comparisons {
  std::vector<Comparison> cells;  // in the order of the first result
  std::vector<std::string> only_before;
  std::vector<std::string> only_after;
  CompareOptions options;

  bool Regressed() const;
};

Comparisons Compare(const std::vector<Measured>& before, const std::vector<Measured>& after,
                    const CompareOptions& options);

std::string FormatComparisons(const Comparisons& comparisons);
std::string FormatComparisonsJson(const Comparisons& comparisons);

}  // namespace fv::lab
