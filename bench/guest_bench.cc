// SPDX-License-Identifier: Apache-2.0
//
// Whole guests under Google Benchmark: making a machine, booting to the first user instruction, and
// from the benchmark program's own samples (time-stamp counter of the guest, manual time) a null
// system call, fork by size and the copy-on-write fault, each beside its native twin.
//
//   bazel run -c opt //bench:guest_bench -- --benchmark_repetitions=5
//   ... --benchmark_filter='fork/.*' --benchmark_out=FILE
#include <benchmark/benchmark.h>

#include <chrono>
#include <cstring>
#include <exception>
#include <string>
#include <utility>
#include <vector>

#include "bench/first_instruction_program.h"
#include "bench/run_benchmarks.h"
#include "src/bench/guest_side.h"
#include "src/bench/host.h"
#include "src/cli/fork_bench_program.h"
#include "src/cli/guest_kernel.h"
#include "src/session/guest.h"
#include "src/session/session.h"

namespace fv::bench {
namespace {

using Clock = std::chrono::steady_clock;

constexpr uint64_t kMiB = uint64_t{1} << 20;
constexpr uint64_t kSmallRam = 64 * kMiB;

const std::string& ForkBench() {
  static const TemporaryProgram kProgram("fork_bench", embedded::ForkBenchProgram());
  return kProgram.path();
}
const std::string& FirstInstruction() {
  static const TemporaryProgram kProgram("first_instruction", embedded::FirstInstructionProgram());
  return kProgram.path();
}

session::GuestOptions OptionsFor(const std::string& program, uint64_t ram_bytes) {
  session::GuestOptions options;
  options.root.program = program;
  options.root.busybox = rootfs::Busybox::kNever;
  options.ram_bytes = ram_bytes;
  options.kernel_image = embedded::GuestKernel();
  return options;
}

double Seconds(Clock::time_point from, Clock::time_point to) {
  return std::chrono::duration<double>(to - from).count();
}

// KVM opened, VM, memory, vCPU, the image and a root loaded; and all of it torn down.
void MakeMachine(benchmark::State& state) {
  const session::GuestOptions options =
      OptionsFor(FirstInstruction(), static_cast<uint64_t>(state.range(0)));
  for (auto _ : state) {
    absl::StatusOr<session::Guest> guest = session::StartGuest(options);
    if (!guest.ok()) return state.SkipWithError(std::string(guest.status().message()).c_str());
    benchmark::DoNotOptimize(guest->machine);
  }
}
BENCHMARK(MakeMachine)
    ->Name("machine")
    ->ArgName("ram")
    ->Arg(kSmallRam)
    ->Arg(1024 * kMiB)
    ->Unit(benchmark::kMillisecond);

// From nothing to the first instruction of the first program. The counter from_entry_ms leaves out
// what the host does before the guest's first instruction.
void BootToUser(benchmark::State& state) {
  const session::GuestOptions options = OptionsFor(FirstInstruction(), kSmallRam);
  double from_entry = 0;
  for (auto _ : state) {
    const Clock::time_point start = Clock::now();
    absl::StatusOr<session::Guest> guest = session::StartGuest(options);
    if (!guest.ok()) return state.SkipWithError(std::string(guest.status().message()).c_str());
    vmm::MachineInterface& machine = *guest->machine;
    const vmm::Fd output = MemoryFile();
    session::SessionOptions session_options;
    session_options.output = output.get();
    session_options.stdin_mode = session::SessionOptions::Stdin::kEmpty;
    session_options.timeout_ns = 10'000'000'000;
    session::Session session(machine, session_options);
    const uint64_t entry_tsc = machine.GuestTsc();
    const Clock::time_point entry = Clock::now();
    const session::SessionResult result = session.Run();
    const std::string bytes = ReadAll(output.get());
    uint64_t user_tsc = 0;
    if (result.end != session::SessionEnd::kExited || bytes.size() != sizeof(user_tsc)) {
      return state.SkipWithError(("the guest failed: " + result.message).c_str());
    }
    std::memcpy(&user_tsc, bytes.data(), sizeof(user_tsc));
    const double booted = static_cast<double>(user_tsc - entry_tsc) /
                          (static_cast<double>(machine.boot_info().tsc_khz) * 1000);
    from_entry += booted;
    state.SetIterationTime(Seconds(start, entry) + booted);
  }
  state.counters["from_entry_ms"] =
      benchmark::Counter(from_entry * 1000, benchmark::Counter::kAvgIterations);
}
BENCHMARK(BootToUser)
    ->Name("boot_to_first_user_instruction")
    ->UseManualTime()
    ->Unit(benchmark::kMillisecond);

enum class Where { kGuest, kNative };

struct Case {
  const char* name;
  const char* mode;  // of fork_bench
  uint64_t bytes;
  benchmark::IterationCount samples;
};
constexpr Case kCases[] = {
    {"null_syscall", "null", 0, 100},
    {"fork", "fork", 0, 100},
    {"fork", "fork", kMiB, 60},
    {"fork", "fork", 16 * kMiB, 30},
    {"fork", "fork", 64 * kMiB, 12},
    {"fork", "fork", 256 * kMiB, 6},
    {"fork_exit_wait", "forkexitwait", 0, 100},
    {"cow_fault", "cow", kMiB, 60},
};

absl::StatusOr<Samples> Measure(const Case& what, Where where, uint64_t samples) {
  const std::vector<std::string> arguments =
      ProgramArguments(what.bytes, Touch::kWrite, samples, what.mode);
  if (where == Where::kNative) {
    absl::StatusOr<std::string> output = RunNative(ForkBench(), arguments);
    return output.ok() ? ParseSamples(*output) : output.status();
  }
  session::GuestOptions options =
      OptionsFor(ForkBench(), GuestRamFor(what.bytes, proto::ForkMemory::kShares));
  options.arguments = arguments;
  absl::StatusOr<GuestSide> side = RunGuestSide(options, oracle::CheckMode::kOff);
  if (!side.ok()) return side.status();
  side->samples.tsc_khz = side->tsc_khz;
  return std::move(side->samples);
}

// All samples of a repetition come from one run of the program; an iteration is a sample.
void Sampled(benchmark::State& state, const Case& what, Where where) {
  absl::StatusOr<Samples> samples =
      Measure(what, where, static_cast<uint64_t>(state.max_iterations));
  if (!samples.ok()) return state.SkipWithError(std::string(samples.status().message()).c_str());
  const std::vector<uint64_t>& cycles = samples->by_mode[what.mode];
  if (cycles.size() != static_cast<size_t>(state.max_iterations)) {
    return state.SkipWithError("the program gave another number of samples");
  }
  size_t next = 0;
  for (auto _ : state) {
    state.SetIterationTime(static_cast<double>(cycles[next++]) /
                           (static_cast<double>(samples->tsc_khz) * 1000));
  }
}

void RegisterCases() {
  for (const Case& what : kCases) {
    for (const auto& [where, side] :
         {std::pair(Where::kGuest, "guest"), std::pair(Where::kNative, "native")}) {
      const std::string name =
          std::string(what.name) + "/" + side + "/bytes:" + std::to_string(what.bytes);
      benchmark::RegisterBenchmark(
          name.c_str(), [&what, w = where](benchmark::State& state) { Sampled(state, what, w); })
          ->Iterations(what.samples)
          ->UseManualTime()
          ->Unit(benchmark::kMicrosecond);
    }
  }
}

}  // namespace
}  // namespace fv::bench

int main(int argc, char** argv) {
  fv::bench::RegisterCases();
  const fv::bench::PinnedCpu pinned;
  return fv::bench::RunBenchmarks(argc, argv);
}
