// SPDX-License-Identifier: Apache-2.0
//
// The three forms of results.
#include "src/bench/results.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>

#include "src/bench/table.h"

namespace fv::bench {
namespace {

Results Sample() {
  Results results;
  results.context = {.date = "2026-01-01T00:00:00+0000",
                     .host_name = "host",
                     .executable = "forkvisor bench",
                     .cpu = "CPU \"X\"",
                     .kernel = "6.1",
                     .kvm_backend = "kvm_test",
                     .kernel_ring = "3",
                     .commit = "abc",
                     .touch = "write",
                     .strategy = "classic",
                     .cpus = 2,
                     .mhz = 2450,
                     .load = {0.5, 0.25, 0.125}};
  SizeResult size{.bytes = uint64_t{1} << 20, .times = {}, .phases = PhaseSummary{}};
  for (Metric metric : {Metric::kNullSyscall, Metric::kFork, Metric::kForkAgain,
                        Metric::kForkExitWait, Metric::kCow}) {
    size.times[{Side::kGuest, metric}] = {300'000, 400'000, 500'000, 10};
    size.times[{Side::kNative, metric}] = {100'000, 110'000, 120'000, 10};
  }
  size.phases->ns[static_cast<size_t>(proto::ForkPhase::kTables)] = 3000;
  size.phases->ptes = 300;
  size.phases->forks = 10;
  results.sizes.push_back(size);
  return results;
}

TEST(FormatJson, HasGoogleBenchmarksForm) {
  const auto json = nlohmann::json::parse(FormatJson(Sample()));
  EXPECT_EQ(json["context"]["num_cpus"], 2);
  EXPECT_EQ(json["context"]["cpu"], "CPU \"X\"");
  EXPECT_EQ(json["context"]["commit"], "abc");
  EXPECT_EQ(json["context"]["kernel_ring"], "3");
  const auto& rows = json["benchmarks"];
  ASSERT_EQ(rows.size(), 11u) << "five metrics of two sides, and the phases";
  std::set<std::string> names;
  for (const auto& row : rows) {
    names.insert(row["name"]);
    for (const char* key : {"run_name", "run_type", "real_time", "cpu_time", "time_unit",
                            "iterations", "repetitions", "threads"}) {
      EXPECT_TRUE(row.contains(key)) << key;
    }
  }
  EXPECT_EQ(names.size(), rows.size()) << "one row a case";
  EXPECT_TRUE(names.contains("fork/guest/bytes:1048576"));
  for (const auto& row : rows) {
    if (row["name"] != "fork/guest/bytes:1048576") continue;
    EXPECT_EQ(row["real_time"], 300'000);
    EXPECT_EQ(row["p99_ns"], 500'000);
    EXPECT_EQ(row["ns_per_page"], 1000) << "300 entries are more than 256 pages";
  }
}

TEST(FormatCsv, OneLineACase) {
  const std::string csv = FormatCsv(Sample());
  EXPECT_NE(csv.find("fork,guest,1048576,10,300000.0,400000.0,500000.0\n"), std::string::npos);
  EXPECT_NE(csv.find("phase_tables,guest,1048576,10,3000.0,,\n"), std::string::npos);
  EXPECT_EQ(std::count(csv.begin(), csv.end(), '\n'), 1 + 10 + static_cast<long>(kPhases));
}

TEST(FormatTable, ShowsSidesRatioAndPhases) {
  const std::string text = FormatTable(Sample());
  for (const char* part : {"CPU \"X\"", "ring 3", "1M", "guest", "native", "guest/native", "3.00x",
                           "300 us", "ns/PTE", "10.0"}) {
    EXPECT_NE(text.find(part), std::string::npos) << part << "\n" << text;
  }
  EXPECT_EQ(text.find("checked"), std::string::npos) << "no row that was not measured";
}

TEST(FormatTable, ASideThatWasNotMeasuredHasNoRow) {
  Results results = Sample();
  std::erase_if(results.sizes[0].times,
                [](const auto& item) { return item.first.first == Side::kNative; });
  EXPECT_EQ(FormatTable(results).find("native"), std::string::npos);
}

TEST(Table, AlignsColumns) {
  Table table({"a", "long"});
  table.Add({"xyz", "1"});
  table.Rule();
  table.Add({"w"});
  EXPECT_EQ(table.Text(), "a    long\n---------\nxyz     1\n---------\nw\n");
}

TEST(FormatTime, ThreeDigits) {
  EXPECT_EQ(FormatTime(0), "0.00 ns");
  EXPECT_EQ(FormatTime(123.4), "123 ns");
  EXPECT_EQ(FormatTime(1234), "1.23 us");
  EXPECT_EQ(FormatTime(45'600'000), "45.6 ms");
  EXPECT_EQ(FormatTime(2.5e9), "2.50 s");
}

TEST(FormatBytes, LargestUnitThatDivides) {
  EXPECT_EQ(FormatBytes(0), "0");
  EXPECT_EQ(FormatBytes(4096), "4K");
  EXPECT_EQ(FormatBytes(uint64_t{3} << 30), "3G");
  EXPECT_EQ(FormatBytes((uint64_t{1} << 30) + (1 << 20)), "1025M");
}

}  // namespace
}  // namespace fv::bench
