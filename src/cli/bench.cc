// SPDX-License-Identifier: Apache-2.0
//
// forkvisor bench: fork in the guest beside fork natively.
#include "src/bench/bench.h"

#include <cstdio>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "proto/layout.h"
#include "src/cli/bench_matrix.h"
#include "src/cli/bench_snapshot.h"
#include "src/cli/choice.h"
#include "src/cli/exit_codes.h"
#include "src/cli/flags.h"
#include "src/cli/fork_bench_program.h"
#include "src/cli/output.h"
#include "src/cli/verbs.h"
#include "src/lab/stop_signals.h"
#include "tools/build_info/build_info.h"

DEFINE_string(sizes, "0,1M,16M,64M,256M,1G", "mapped memory, a list");
DEFINE_string(touch, "write", "how the pages are touched before: write, read or none");
DEFINE_uint64(repetitions, 0, "samples of each case; 0: by size");
DEFINE_bool(checked, true, "a row with every step checked too");
DEFINE_bool(native, true, "measure natively too");
DEFINE_string(format, "console", "console, json or csv");
DEFINE_string(out, "", "write the result to this file");
DECLARE_string(report);

namespace fv::cli {
namespace {

// More would never end, and no signal ends the run that is going on.
constexpr uint64_t kMostRepetitions = 1'000'000;

using Formatter = std::string (*)(const bench::Results&);

constexpr Choice<Formatter> kFormats[] = {
    {"console", &bench::FormatTable}, {"json", &bench::FormatJson}, {"csv", &bench::FormatCsv}};

absl::StatusOr<bench::Touch> ParseTouch() {
  const std::optional<bench::Touch> touch = bench::TouchNamed(FLAGS_touch);
  if (touch) return *touch;
  return absl::InvalidArgumentError(
      absl::StrCat("--touch=", FLAGS_touch, ": choose write, read or none"));
}

absl::StatusOr<std::vector<uint64_t>> ParseSizes() {
  std::vector<uint64_t> sizes;
  const std::vector<std::string> texts = absl::StrSplit(FLAGS_sizes, ',');
  for (const std::string& text : texts) {
    absl::StatusOr<uint64_t> bytes = ParseSize("sizes", text);
    if (!bytes.ok()) return bytes.status();
    if (*bytes % proto::kPageBytes != 0) {
      return absl::InvalidArgumentError(absl::StrCat("--sizes: ", text, " is not whole pages"));
    }
    sizes.push_back(*bytes);
  }
  return sizes;
}

absl::StatusOr<bench::BenchOptions> OptionsFromFlags() {
  bench::BenchOptions options;
  absl::StatusOr<std::vector<uint64_t>> sizes = ParseSizes();
  if (!sizes.ok()) return sizes.status();
  options.sizes = *std::move(sizes);
  absl::StatusOr<bench::Touch> touch = ParseTouch();
  if (!touch.ok()) return touch.status();
  options.touch = *touch;
  options.repetitions = FLAGS_repetitions;
  options.native = FLAGS_native ? bench::Row::kMeasure : bench::Row::kLeaveOut;
  options.checked = FLAGS_checked ? bench::Row::kMeasure : bench::Row::kLeaveOut;
  options.program = embedded::ForkBenchProgram();
  Arguments program;
  program.words = {"fork_bench"};
  absl::StatusOr<session::GuestOptions> guest = GuestOptionsFromFlags(program);
  if (!guest.ok()) return guest.status();
  options.guest = *std::move(guest);
  options.progress = [](std::string_view line) {
    std::fprintf(stderr, "bench: %.*s\n", static_cast<int>(line.size()), line.data());
  };
  return options;
}

std::string CommandLine(const Words& args) {
  std::string command = "forkvisor bench";
  for (const std::string& word : args) absl::StrAppend(&command, " ", word);
  return command;
}

// What was measured, and by which signal it was ended if it was.
struct Outcome {
  absl::StatusOr<bench::Results> results;
  std::optional<int> signal_number;
};

Outcome Measure(bench::BenchOptions options) {
  const lab::StopSignals signals(&SayStopping);
  options.stop = [&signals] { return signals.stop().has_value(); };
  absl::StatusOr<bench::Results> results = bench::RunBench(options);
  return {std::move(results), signals.stop()};
}

}  // namespace

int BenchVerb(const Words& args) {
  std::vector<std::string_view> flags = {
      "sizes", "touch",       "repetitions", "native",     "checked",  "format", "out",
      "v",     "kernel_ring", "kernel",      "kvm_device", "strategy", "from"};
  for (std::string_view flag : MatrixFlags()) flags.push_back(flag);
  absl::StatusOr<Arguments> arguments = ParseArguments(args, flags);
  if (!arguments.ok()) return UsageError("bench", arguments.status());
  if (arguments->help) return ShowHelp("bench");
  if (!arguments->words.empty()) return UsageError("bench", "bench takes flags only");
  if (FLAGS_repetitions > kMostRepetitions) {
    return UsageError("bench", absl::StrCat("--repetitions: at most ", kMostRepetitions));
  }
  const std::pair<const char*, std::string> outputs[] = {{"out", FLAGS_out},
                                                         {"report", FLAGS_report}};
  for (const auto& [flag, path] : outputs) {
    const absl::Status place = CheckPlace(flag, path);
    if (!place.ok()) return StatusError(place);
  }
  if (!FLAGS_from.empty()) return BenchSnapshot();
  if (WantsMatrix()) {
    absl::StatusOr<std::vector<uint64_t>> sizes = ParseSizes();
    if (!sizes.ok()) return StatusError(sizes.status());
    const absl::StatusOr<bench::Touch> touch = ParseTouch();
    if (!touch.ok()) return StatusError(touch.status());
    return BenchMatrix({CommandLine(args), *sizes, Given("sizes"), *touch});
  }
  absl::StatusOr<Formatter> format = Choose("format", FLAGS_format, kFormats);
  if (!format.ok()) return StatusError(format.status());
  absl::StatusOr<bench::BenchOptions> options = OptionsFromFlags();
  if (!options.ok()) return StatusError(options.status());
  auto [results, signal_number] = Measure(*std::move(options));
  if (!results.ok()) {
    Complain(results.status());
    if (absl::IsCancelled(results.status())) return ExitBySignal(*signal_number);
    return absl::IsResourceExhausted(results.status()) ? kExitHostFailure : kExitGuestFailure;
  }
  results->context.commit = std::string(BuildCommit());
  results->context.executable = "forkvisor bench";
  results->context.strategy = FLAGS_strategy;
  return WriteOut((*format)(*results), FLAGS_out);
}

}  // namespace fv::cli
