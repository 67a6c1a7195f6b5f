// SPDX-License-Identifier: Apache-2.0
#include "src/lab/compare.h"

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <numeric>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_split.h"
#include "src/bench/format.h"
#include "src/lab/results.h"

namespace fv::lab {
namespace {

using Json = nlohmann::json;

// Of a distribution so many observations are taken, evenly.
constexpr uint64_t kMostObservations = 1000;
// Fewer batches say nothing; then samples are compared.
constexpr size_t kFewestRounds = 4;

std::vector<double> Observations(const stats::Histogram& histogram) {
  const uint64_t count = std::min(histogram.count(), kMostObservations);
  std::vector<double> values;
  for (uint64_t i = 0; i < count; ++i) {
    const uint64_t rank = i * histogram.count() / count;
    values.push_back(static_cast<double>(histogram.ValueAtRank(rank)) / 1000);
  }
  return values;
}

// Throws Json::exception.
void ReadPlace(const Json& row, Measured& measured) {
  Cell& cell = measured.cell;
  if (row.contains("system")) {
    row.at("series").get_to(measured.series);
    row.at("system").get_to(cell.system);
    row.at("size").get_to(cell.size);
    cell.touch =
        bench::TouchNamed(row.at("touch").get<std::string>()).value_or(bench::Touch::kWrite);
    row.at("vmas").get_to(cell.vmas);
    row.at("depth").get_to(cell.depth);
    row.at("dirty").get_to(cell.dirty);
    return;
  }
  // The plain table: "fork/guest/bytes:4096".
  const std::vector<std::string> words = absl::StrSplit(measured.name, '/');
  measured.series = words[0];
  if (words.size() > 1) cell.system = words[1];
  cell.size = row.value("bytes", uint64_t{0});
}

// Of a row with a distribution. Throws Json::exception.
absl::StatusOr<Measured> ReadRow(const Json& row) {
  Measured measured{.name = row.at("name"), .median_ns = row.at("real_time"), .observations = {}};
  ReadPlace(row, measured);
  const std::optional<stats::Histogram> histogram = bench::HistogramFromJson(row.at("histogram"));
  if (!histogram || histogram->empty() || histogram->min() == 0) {
    return absl::InvalidArgumentError(
        absl::StrCat("the distribution of ", measured.name, " is damaged"));
  }
  if (row.contains("round_medians_ns")) {
    row.at("round_medians_ns").get_to(measured.observations);
  }
  measured.distribution = {*histogram, measured.observations};
  const auto& rounds = measured.observations;
  if (std::any_of(rounds.begin(), rounds.end(), [](double ns) { return !(ns > 0); })) {
    return absl::InvalidArgumentError(absl::StrCat(measured.name, " has a time that is none"));
  }
  if (rounds.size() < kFewestRounds) measured.observations = Observations(*histogram);
  return measured;
}

// Holm: the smallest p times the number of tests, the next times one less, never descending.
void CorrectForManyTests(std::vector<Comparison>& cells) {
  std::vector<size_t> order(cells.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::sort(order.begin(), order.end(),
            [&](size_t a, size_t b) { return cells[a].p < cells[b].p; });
  double highest = 0;
  for (size_t i = 0; i < order.size(); ++i) {
    Comparison& cell = cells[order[i]];
    highest = std::max(highest, std::min(1.0, cell.p * static_cast<double>(order.size() - i)));
    cell.p = highest;
  }
}

Verdict Judge(const Comparison& cell, const CompareOptions& options) {
  if (cell.p > options.significance) return Verdict::kSame;
  if (cell.ratio.value > 1 + options.bound && cell.ratio.low > 1) return Verdict::kSlower;
  if (cell.ratio.value < 1 / (1 + options.bound) && cell.ratio.high < 1) return Verdict::kFaster;
  return Verdict::kSame;
}

}  // namespace

const char* VerdictName(Verdict verdict) {
  switch (verdict) {
    case Verdict::kSame:
      return "";
    case Verdict::kSlower:
      return "slower";
    case Verdict::kFaster:
      return "faster";
  }
  return "?";
}

absl::StatusOr<std::vector<Measured>> ReadMeasured(std::string_view text) {
  try {
    const Json json = Json::parse(text);
    std::vector<Measured> all;
    for (const Json& row : json.at("benchmarks")) {
      if (!row.contains("histogram")) continue;
      absl::StatusOr<Measured> measured = ReadRow(row);
      if (!measured.ok()) return measured.status();
      all.push_back(*std::move(measured));
    }
    if (!all.empty()) return all;
    return absl::InvalidArgumentError("it has no distributions");
  } catch (const std::exception& error) {
    return absl::InvalidArgumentError(
        absl::StrCat("it is no JSON of forkvisor bench: ", error.what()));
  }
}

absl::StatusOr<Origin> ReadOrigin(std::string_view text) {
  try {
    const Json context = Json::parse(text).value("context", Json::object());
    const auto word = [&](const char* name) { return context.value(name, std::string()); };
    Origin origin{{}, word("command"), word("date"), word("commit")};
    if (context.contains("cpu")) {
      origin.machine = absl::StrFormat("%s, %d CPUs, Linux %s, KVM %s, guest kernel in ring %s",
                                       word("cpu"), context.value("num_cpus", 0), word("kernel"),
                                       word("kvm_backend"), word("kernel_ring"));
    }
    return origin;
  } catch (const std::exception& error) {
    return absl::InvalidArgumentError(
        absl::StrCat("it is no JSON of forkvisor bench: ", error.what()));
  }
}

bool Comparisons::Regressed() const {
  return std::any_of(cells.begin(), cells.end(),
                     [](const Comparison& cell) { return cell.verdict == Verdict::kSlower; });
}

Comparisons Compare(const std::vector<Measured>& before, const std::vector<Measured>& after,
                    const CompareOptions& options) {
  Comparisons result;
  result.options = options;
  std::map<std::string, const Measured*> later;
  for (const Measured& measured : after) later[measured.name] = &measured;
  for (const Measured& old : before) {
    const auto found = later.find(old.name);
    if (found == later.end()) {
      result.only_before.push_back(old.name);
      continue;
    }
    const Measured& now = *found->second;
    result.cells.push_back({old.name, old.median_ns, now.median_ns,
                            stats::HodgesLehmannRatio(old.observations, now.observations),
                            stats::MannWhitneyP(old.observations, now.observations), Verdict::kSame,
                            old.series, old.cell});
    later.erase(found);
  }
  for (const Measured& measured : after) {
    if (later.count(measured.name) != 0) result.only_after.push_back(measured.name);
  }
  CorrectForManyTests(result.cells);
  for (Comparison& cell : result.cells) cell.verdict = Judge(cell, options);
  return result;
}

}  // namespace fv::lab
