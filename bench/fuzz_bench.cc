// SPDX-License-Identifier: Apache-2.0
//
// What a program costs the fuzzer, under Google Benchmark: the same random programs, 10 calls and 2
// tasks on average, by how the guest gets back to its start, when the oracle looks, how often a
// reset is proved, and with the comparison with Linux. libFuzzer's own work is not in it. Needs
// KVM.
//
//   bazel run -c opt //bench:fuzz_bench
#include <benchmark/benchmark.h>

#include <chrono>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "bench/run_benchmarks.h"
#include "proto/events.h"
#include "src/cli/guest_kernel.h"
#include "src/fuzz/executor_program.h"
#include "src/fuzz/judge.h"
#include "src/fuzz/mutate.h"
#include "src/fuzz/run.h"

namespace fv::bench {
namespace {

using fuzz::Program;
using fuzz::ResetKind;
using oracle::CheckMode;
using session::ProveReset;

constexpr size_t kPrograms = 200;
constexpr size_t kCalls = 10;
constexpr size_t kTasks = 2;

// Random programs whose calls and tasks are kCalls and kTasks on average: one that would pull an
// average away is passed over.
std::vector<Program> Programs(bool free_order) {
  std::vector<Program> programs;
  size_t calls = 0;
  size_t tasks = 0;
  for (uint64_t seed = 1; programs.size() < kPrograms; ++seed) {
    fuzz::Random random(seed);
    Program program = fuzz::RandomProgram(random, {.free_order = free_order});
    const size_t count = programs.size();
    const auto pulls = [count](size_t sum, size_t mean, size_t value) {
      return (sum >= mean * count && value > mean) || (sum <= mean * count && value < mean);
    };
    if (pulls(calls, kCalls, program.Steps()) || pulls(tasks, kTasks, program.tasks.size())) {
      continue;
    }
    calls += program.Steps();
    tasks += program.tasks.size();
    programs.push_back(std::move(program));
  }
  return programs;
}

fuzz::GuestRunOptions Options(ResetKind reset, CheckMode check, ProveReset prove) {
  return {.kernel_image = embedded::GuestKernel(),
          .executor = embedded::FuzzExecutor(),
          .check = check,
          .reset = reset,
          .prove_reset = prove};
}

// Adds what an average program is.
void Describe(benchmark::State& state, const std::vector<Program>& programs) {
  double calls = 0;
  double tasks = 0;
  for (const Program& program : programs) {
    calls += static_cast<double>(program.Steps());
    tasks += static_cast<double>(program.tasks.size());
  }
  state.counters["calls"] = calls / static_cast<double>(programs.size());
  state.counters["tasks"] = tasks / static_cast<double>(programs.size());
  state.SetItemsProcessed(static_cast<int64_t>(state.iterations()));
}

class SyscallCounter final : public fuzz::RunObserver {
 public:
  void OnEvent(const proto::EventRecord& event) override {
    count += event.kind == proto::EventKind::kSyscallEnter ? 1 : 0;
  }
  uint64_t count = 0;
};

// System calls of a run, the executor's own included.
double SyscallsOf(const std::vector<Program>& programs) {
  fuzz::GuestRunOptions options = Options(ResetKind::kSnapshot, CheckMode::kOff, ProveReset::kOff);
  options.event_mask = EventBit(proto::EventKind::kSyscallEnter);
  auto runner = *fuzz::GuestRunner::Make(options);
  SyscallCounter counter;
  for (const Program& program : programs) (void)runner->Run(program, &counter);
  return static_cast<double>(counter.count) / static_cast<double>(programs.size());
}

void Guest(benchmark::State& state, ResetKind reset, CheckMode check, ProveReset prove) {
  const std::vector<Program> programs = Programs(true);
  auto runner = *fuzz::GuestRunner::Make(Options(reset, check, prove));
  (void)runner->Run(programs[0]);
  const fuzz::ResetStats before = runner->reset_stats();
  uint64_t oracle_ns = 0;
  size_t next = 0;
  for (auto _ : state) {
    const fuzz::GuestRun run = runner->Run(programs[next++ % programs.size()]);
    if (!run.results || !run.findings.empty()) throw std::runtime_error("a run failed");
    oracle_ns += run.oracle_ns;
  }
  Describe(state, programs);
  const auto mean_us = [](uint64_t ns) {
    return benchmark::Counter(static_cast<double>(ns) / 1e3, benchmark::Counter::kAvgIterations);
  };
  state.counters["reset_us"] = mean_us(runner->reset_stats().reset_ns - before.reset_ns);
  state.counters["oracle_us"] = mean_us(oracle_ns);
  state.counters["syscalls"] = SyscallsOf(programs);
}
#define FV_GUEST(name, ...) \
  BENCHMARK_CAPTURE(Guest, name, __VA_ARGS__)->UseRealTime()->Unit(benchmark::kMicrosecond)
FV_GUEST(boot_check_off, ResetKind::kBoot, CheckMode::kOff, ProveReset::kOff);
FV_GUEST(boot_check_end, ResetKind::kBoot, CheckMode::kEnd, ProveReset::kOff);
FV_GUEST(boot_check_every, ResetKind::kBoot, CheckMode::kEvery, ProveReset::kOff);
FV_GUEST(restore_check_off, ResetKind::kSnapshot, CheckMode::kOff, ProveReset::kOff);
FV_GUEST(restore_check_end, ResetKind::kSnapshot, CheckMode::kEnd, ProveReset::kOff);
FV_GUEST(restore_check_every, ResetKind::kSnapshot, CheckMode::kEvery, ProveReset::kOff);
FV_GUEST(restore_check_end_prove_sampled, ResetKind::kSnapshot, CheckMode::kEnd,
         ProveReset::kSampled);
FV_GUEST(restore_check_end_prove_every, ResetKind::kSnapshot, CheckMode::kEnd, ProveReset::kEvery);

// In turns, and on this Linux as well.
void Differential(benchmark::State& state) {
  const std::vector<Program> programs = Programs(false);
  const fuzz::JudgeOptions options{
      .guest = Options(ResetKind::kSnapshot, CheckMode::kEnd, ProveReset::kSampled),
      .differential = true};
  auto judge = *fuzz::Judge::Make(options);
  size_t next = 0;
  for (auto _ : state) {
    const absl::StatusOr<fuzz::Verdict> verdict = judge->Try(programs[next++ % programs.size()]);
    if (!verdict.ok()) throw std::runtime_error(std::string(verdict.status().message()));
  }
  Describe(state, programs);
}
BENCHMARK(Differential)->Name("differential")->UseRealTime()->Unit(benchmark::kMicrosecond);

}  // namespace
}  // namespace fv::bench

int main(int argc, char** argv) { return fv::bench::RunBenchmarks(argc, argv); }
