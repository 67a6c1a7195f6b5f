// SPDX-License-Identifier: Apache-2.0
//
// Runs the rounds and gathers the samples.
#include "src/bench/bench.h"

#include <algorithm>
#include <chrono>
#include <map>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "proto/layout.h"
#include "src/bench/host.h"
#include "src/bench/samples.h"
#include "src/inspect/fork_strategies.h"

namespace fv::bench {
namespace {

constexpr uint64_t kMiB = uint64_t{1} << 20;
constexpr uint64_t kRounds = 3;
// The checked row is about the price, not about tails.
constexpr uint64_t kCheckedRepetitions = 5;

struct ModeName {
  const char* mode;  // of fork_bench
  Metric metric;
};
constexpr ModeName kModes[] = {{"null", Metric::kNullSyscall},
                               {"fork", Metric::kFork},
                               {"forkagain", Metric::kForkAgain},
                               {"forkexitwait", Metric::kForkExitWait},
                               {"cow", Metric::kCow}};
// "fork" leads: RunGuestSide tells its forks from the others by that.
constexpr char kForkModes[] = "fork,forkagain,forkexitwait,null";
constexpr char kCowMode[] = "cow";

// What one size has gathered so far.
struct Gathered {
  std::map<Side, Samples> samples;
  std::vector<ForkRecord> forks;
};

class Runner {
 public:
  explicit Runner(const BenchOptions& options)
      : options_(options),
        program_("fork_bench", options.program),
        fork_memory_(
            inspect::MemoryOfFork(options.guest.kernel_image, options.guest.fork_strategy)) {}

  absl::StatusOr<Results> Run() {
    Results results{.context = HostContext(), .sizes = {}};
    for (uint64_t bytes : options_.sizes) {
      absl::StatusOr<SizeResult> size = RunSize(bytes);
      if (!size.ok()) return size.status();
      results.sizes.push_back(*std::move(size));
    }
    Context& context = results.context;
    context.kvm_backend = vmm::BackendName();
    context.kernel_ring = absl::StrCat(kernel_ring_);
    context.mhz = static_cast<double>(tsc_khz_) / 1000;
    context.touch = TouchName(options_.touch);
    return results;
  }

 private:
  void Say(const std::string& line) const {
    if (!options_.progress) return;
    const std::chrono::duration<double> since = std::chrono::steady_clock::now() - start_;
    options_.progress(absl::StrFormat("%5.1f s  %s", since.count(), line));
  }

  absl::Status CheckMemory(uint64_t bytes) const {
    const uint64_t needed = GuestRamFor(bytes, fork_memory_);
    const uint64_t available = AvailableMemory();
    if (available == 0 || available >= needed) return absl::OkStatus();
    return absl::ResourceExhaustedError(
        absl::StrCat("the host has ", available / kMiB, " MiB free, the size ", FormatBytes(bytes),
                     " needs ", needed / kMiB, ": leave it out with --sizes"));
  }

  absl::StatusOr<SizeResult> RunSize(uint64_t bytes) {
    absl::Status status = CheckMemory(bytes);
    const uint64_t wanted =
        options_.repetitions == 0 ? DefaultRepetitions(bytes) : options_.repetitions;
    const uint64_t rounds = std::min(kRounds, wanted);
    Gathered gathered;
    for (uint64_t round = 0; round < rounds && status.ok(); ++round) {
      const uint64_t repetitions = wanted * (round + 1) / rounds - wanted * round / rounds;
      Say(absl::StrCat(FormatBytes(bytes), ": round ", round + 1, " of ", rounds));
      status = RunSide(Side::kGuest, bytes, repetitions, gathered);
      if (!status.ok() || options_.native == Row::kLeaveOut) continue;
      status = RunSide(Side::kNative, bytes, repetitions, gathered);
    }
    if (status.ok() && options_.checked == Row::kMeasure) {
      Say(absl::StrCat(FormatBytes(bytes), ": every step checked"));
      status = RunSide(Side::kGuestChecked, bytes, std::min(wanted, kCheckedRepetitions), gathered);
    }
    if (!status.ok()) return status;
    return Summary(bytes, gathered);
  }

  // A size without a page of its own has the COW fault measured on one page.
  absl::Status RunSide(Side side, uint64_t bytes, uint64_t repetitions, Gathered& gathered) {
    if (options_.touch != Touch::kWrite) {
      return RunOnce(side, bytes, bytes, repetitions, kForkModes, gathered);
    }
    if (bytes > 0) {
      const std::string modes = absl::StrCat(kForkModes, ",", kCowMode);
      return RunOnce(side, bytes, bytes, repetitions, modes, gathered);
    }
    absl::Status status = RunOnce(side, bytes, bytes, repetitions, kForkModes, gathered);
    if (!status.ok()) return status;
    return RunOnce(side, bytes, proto::kPageBytes, repetitions, kCowMode, gathered);
  }

  // Maps `mapped` bytes, in a guest as large as `bytes` needs.
  absl::Status RunOnce(Side side, uint64_t bytes, uint64_t mapped, uint64_t repetitions,
                       const std::string& modes, Gathered& gathered) {
    if (options_.stop && options_.stop()) return absl::CancelledError("interrupted");
    std::vector<std::string> arguments =
        ProgramArguments(mapped, options_.touch, repetitions, modes);
    if (side == Side::kNative) {
      absl::StatusOr<std::string> output = RunNative(program_.path(), arguments);
      if (!output.ok()) return output.status();
      absl::StatusOr<Samples> samples = ParseSamples(*output);
      if (samples.ok()) Append(gathered.samples[side], *samples);
      return samples.status();
    }
    session::GuestOptions guest = options_.guest;
    guest.root.program = program_.path();
    guest.arguments = std::move(arguments);
    guest.ram_bytes = GuestRamFor(bytes, fork_memory_);
    absl::StatusOr<GuestSide> run = RunGuestSide(
        guest, side == Side::kGuest ? oracle::CheckMode::kOff : oracle::CheckMode::kEvery);
    if (!run.ok()) return run.status();
    tsc_khz_ = run->tsc_khz;
    kernel_ring_ = run->kernel_ring;
    Append(gathered.samples[side], run->samples);
    if (side == Side::kGuest) {
      gathered.forks.insert(gathered.forks.end(), run->forks.begin(), run->forks.end());
    }
    return absl::OkStatus();
  }

  SizeResult Summary(uint64_t bytes, const Gathered& gathered) const {
    SizeResult size{.bytes = bytes, .times = {}, .distributions = {}, .phases = std::nullopt};
    const double ns_per_cycle = 1e6 / static_cast<double>(tsc_khz_);
    for (const auto& [side, list] : gathered.samples) {
      for (const ModeName& name : kModes) {
        const auto found = list.by_mode.find(name.mode);
        if (found == list.by_mode.end()) continue;
        size.times[{side, name.metric}] = Summarize(found->second, ns_per_cycle);
        stats::Histogram& distribution = size.distributions[{side, name.metric}];
        for (uint64_t cycles : found->second) {
          distribution.Record(
              static_cast<uint64_t>(static_cast<double>(cycles) * ns_per_cycle * 1000));
        }
      }
    }
    if (!gathered.forks.empty()) size.phases = SummarizePhases(gathered.forks, ns_per_cycle);
    return size;
  }

  const BenchOptions& options_;
  TemporaryProgram program_;
  const proto::ForkMemory fork_memory_;
  PinnedCpu pinned_;
  uint64_t tsc_khz_ = 1;
  uint32_t kernel_ring_ = 0;
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

}  // namespace

uint64_t DefaultRepetitions(uint64_t bytes) {
  if (bytes == 0) return 300;
  if (bytes <= kMiB) return 150;
  if (bytes <= 16 * kMiB) return 90;
  if (bytes <= 64 * kMiB) return 45;
  if (bytes <= 256 * kMiB) return 18;
  return 9;
}

absl::StatusOr<Results> RunBench(const BenchOptions& options) { return Runner(options).Run(); }

}  // namespace fv::bench
