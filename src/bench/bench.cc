// SPDX-License-Identifier: Apache-2.0
//
// Runs the rounds and gathers the samples.
#include "src/bench/bench.h"

#include <algorithm>
#include <chrono>
#include <map>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "proto/layout.h"
#include "src/bench/host.h"
#include "src/bench/samples.h"

namespace fv::bench {
namespace {

using session::SessionEnd;

constexpr uint64_t kMiB = uint64_t{1} << 20;
constexpr uint64_t kRounds = 3;
// The checked row is about the price, not about tails.
constexpr uint64_t kCheckedRepetitions = 5;
// A guest that takes longer for one round has failed.
constexpr uint64_t kRoundLimitNs = 300'000'000'000;

struct ModeName {
  const char* mode;  // of fork_bench
  Metric metric;
};
constexpr ModeName kModes[] = {{"null", Metric::kNullSyscall},
                               {"fork", Metric::kFork},
                               {"forkagain", Metric::kForkAgain},
                               {"forkexitwait", Metric::kForkExitWait},
                               {"cow", Metric::kCow}};

struct GuestRun {
  Samples samples;
  std::vector<ForkRecord> forks;
  uint64_t tsc_khz = 0;
  std::string ring;
};

// The forks of the mode "fork", which comes first: later ones find the pages shared already.
std::vector<ForkRecord> FreshForks(const ForkPhases& phases, const Samples& samples) {
  const auto fresh = samples.by_mode.find("fork");
  if (phases.rejected() != 0 || fresh == samples.by_mode.end()) return {};
  const size_t count = std::min(fresh->second.size(), phases.forks().size());
  return {phases.forks().begin(), phases.forks().begin() + static_cast<ptrdiff_t>(count)};
}

class Runner {
 public:
  explicit Runner(const BenchOptions& options)
      : options_(options), program_("fork_bench", options.program) {}

  absl::StatusOr<Results> Run() {
    Results results{.context = HostContext(), .sizes = {}};
    Context& context = results.context;
    context.kvm_backend = vmm::BackendName();
    context.touch = TouchName(options_.touch);
    for (uint64_t bytes : options_.sizes) {
      absl::StatusOr<SizeResult> size = RunSize(bytes, context);
      if (!size.ok()) return size.status();
      results.sizes.push_back(*std::move(size));
    }
    return results;
  }

 private:
  void Say(const std::string& line) const {
    if (!options_.progress) return;
    const std::chrono::duration<double> since = std::chrono::steady_clock::now() - start_;
    options_.progress(absl::StrFormat("%5.1f s  %s", since.count(), line));
  }

  // A size of 0 has no page to fault on: the COW fault is measured on one page then.
  std::vector<std::string> Arguments(uint64_t bytes, uint64_t repetitions,
                                     const char* modes) const {
    return {absl::StrCat("--size=", bytes), absl::StrCat("--touch=", TouchName(options_.touch)),
            absl::StrCat("--repetitions=", repetitions), absl::StrCat("--modes=", modes)};
  }

  absl::StatusOr<SizeResult> RunSize(uint64_t bytes, Context& context) {
    const uint64_t ram = GuestRamFor(bytes, options_.guest.fork_strategy);
    if (const uint64_t available = AvailableMemory(); available != 0 && available < ram) {
      return absl::ResourceExhaustedError(
          absl::StrCat("the host has ", available / kMiB, " MiB free, the size ",
                       FormatBytes(bytes), " needs ", ram / kMiB, ": leave it out with --sizes"));
    }
    const uint64_t wanted =
        options_.repetitions == 0 ? DefaultRepetitions(bytes) : options_.repetitions;
    const uint64_t rounds = std::min(kRounds, wanted);
    std::map<Side, Samples> samples;
    std::vector<ForkRecord> forks;
    for (uint64_t round = 0; round < rounds; ++round) {
      const uint64_t repetitions = (wanted * (round + 1)) / rounds - wanted * round / rounds;
      Say(absl::StrCat(FormatBytes(bytes), ": round ", round + 1, " of ", rounds));
      absl::Status status = RunRound(bytes, repetitions, samples, forks, context);
      if (!status.ok()) return status;
    }
    if (options_.make_checker) {
      Say(absl::StrCat(FormatBytes(bytes), ": every step checked"));
      absl::StatusOr<GuestRun> run =
          RunGuest(bytes, std::min(wanted, kCheckedRepetitions), Check::kEvery);
      if (!run.ok()) return run.status();
      samples[Side::kGuestChecked] = std::move(run->samples);
    }
    return Gather(bytes, samples, forks);
  }

  absl::Status RunRound(uint64_t bytes, uint64_t repetitions, std::map<Side, Samples>& samples,
                        std::vector<ForkRecord>& forks, Context& context) {
    absl::StatusOr<GuestRun> guest = RunGuest(bytes, repetitions, Check::kOff);
    if (!guest.ok()) return guest.status();
    tsc_khz_ = guest->tsc_khz;
    context.mhz = static_cast<double>(guest->tsc_khz) / 1000;
    context.kernel_ring = guest->ring;
    Append(samples[Side::kGuest], guest->samples);
    forks.insert(forks.end(), guest->forks.begin(), guest->forks.end());
    if (options_.native == BenchOptions::NativeSide::kLeaveOut) return absl::OkStatus();
    absl::StatusOr<Samples> native = RunNativeSide(bytes, repetitions);
    if (!native.ok()) return native.status();
    Append(samples[Side::kNative], *native);
    return absl::OkStatus();
  }

  absl::StatusOr<Samples> RunNativeSide(uint64_t bytes, uint64_t repetitions) {
    return WithCow(bytes, [&](uint64_t size, const char* modes) {
      absl::StatusOr<std::string> output =
          RunNative(program_.path(), Arguments(size, repetitions, modes));
      return output.ok() ? ParseSamples(*output) : output.status();
    });
  }

  enum class Check { kOff, kEvery };

  absl::StatusOr<GuestRun> RunGuest(uint64_t bytes, uint64_t repetitions, Check check) {
    GuestRun run;
    absl::StatusOr<Samples> samples = WithCow(bytes, [&](uint64_t size, const char* modes) {
      return RunGuestOnce(bytes, Arguments(size, repetitions, modes), check, size == bytes, run);
    });
    if (!samples.ok()) return samples.status();
    run.samples = *std::move(samples);
    return run;
  }

  // Calls run(size, modes), twice if the size has no page of its own.
  template <typename RunOnce>
  absl::StatusOr<Samples> WithCow(uint64_t bytes, RunOnce run) {
    const bool has_page = bytes > 0 && options_.touch == Touch::kWrite;
    absl::StatusOr<Samples> samples = run(bytes, has_page ? "null,fork,forkagain,forkexitwait,cow"
                                                          : "null,fork,forkagain,forkexitwait");
    if (!samples.ok() || has_page || options_.touch != Touch::kWrite) return samples;
    absl::StatusOr<Samples> one_page = run(proto::kPageBytes, "cow");
    if (!one_page.ok()) return one_page;
    Append(*samples, *one_page);
    samples->size = bytes;
    return samples;
  }

  absl::StatusOr<Samples> RunGuestOnce(uint64_t bytes, std::vector<std::string> arguments,
                                       Check check, bool keep_phases, GuestRun& run) {
    session::GuestOptions guest_options = options_.guest;
    guest_options.root.program = program_.path();
    guest_options.root.busybox = rootfs::Busybox::kNever;
    guest_options.arguments = std::move(arguments);
    guest_options.ram_bytes = GuestRamFor(bytes, guest_options.fork_strategy);
    const oracle::CheckMode mode =
        check == Check::kEvery ? oracle::CheckMode::kEvery : oracle::CheckMode::kOff;
    guest_options.event_mask = kForkEvents | session::CheckEventMask(mode);
    guest_options.boot_flags = session::CheckBootFlags(mode);
    guest_options.timeout_ns = kRoundLimitNs;
    absl::StatusOr<session::Guest> guest = session::StartGuest(guest_options);
    if (!guest.ok()) return guest.status();
    run.tsc_khz = guest->machine->boot_info().tsc_khz;
    run.ring = absl::StrCat(guest->machine->boot_info().kernel_ring);
    const vmm::Fd output = MemoryFile();
    const vmm::Fd errors = MemoryFile();
    ForkPhases phases;
    std::unique_ptr<session::OracleObserver> checker;
    session::SessionOptions session_options{.output = output.get(),
                                            .error = errors.get(),
                                            .stdin_mode = session::SessionOptions::Stdin::kEmpty,
                                            .timeout_ns = kRoundLimitNs,
                                            .kernel_log = nullptr,
                                            .observers = {&phases}};
    if (check == Check::kEvery) {
      checker = options_.make_checker(*guest->machine);
      session_options.observers.push_back(checker.get());
    }
    const session::SessionResult result = session::Session(*guest->machine, session_options).Run();
    if (checker && !checker->findings().empty()) {
      return absl::InternalError(absl::StrCat("the oracle found: ", checker->findings().front()));
    }
    if (result.end != SessionEnd::kExited || result.wait_status != 0) {
      return absl::InternalError(absl::StrCat(
          "the benchmark program failed in the guest: end ", static_cast<int>(result.end),
          ", wait status ", result.wait_status, " ", result.message, "\n", ReadAll(errors.get())));
    }
    absl::StatusOr<Samples> samples = ParseSamples(ReadAll(output.get()));
    if (samples.ok() && keep_phases) run.forks = FreshForks(phases, *samples);
    return samples;
  }

  SizeResult Gather(uint64_t bytes, const std::map<Side, Samples>& samples,
                    const std::vector<ForkRecord>& forks) const {
    SizeResult size{.bytes = bytes, .times = {}, .phases = std::nullopt};
    const double ns_per_cycle = 1e6 / static_cast<double>(tsc_khz_);
    for (const auto& [side, list] : samples) {
      for (const ModeName& name : kModes) {
        const auto found = list.by_mode.find(name.mode);
        if (found == list.by_mode.end()) continue;
        size.times[{side, name.metric}] = Summarize(found->second, ns_per_cycle);
      }
    }
    if (!forks.empty()) size.phases = SummarizePhases(forks, ns_per_cycle);
    return size;
  }

  const BenchOptions& options_;
  TemporaryProgram program_;
  PinnedCpu pinned_;
  uint64_t tsc_khz_ = 1;
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

}  // namespace

const char* TouchName(Touch touch) {
  switch (touch) {
    case Touch::kWrite:
      return "write";
    case Touch::kRead:
      return "read";
    case Touch::kNone:
      return "none";
  }
  return "?";
}

uint64_t DefaultRepetitions(uint64_t bytes) {
  if (bytes == 0) return 300;
  if (bytes <= kMiB) return 150;
  if (bytes <= 16 * kMiB) return 90;
  if (bytes <= 64 * kMiB) return 45;
  if (bytes <= 256 * kMiB) return 18;
  return 9;
}

uint64_t GuestRamFor(uint64_t bytes, proto::ForkStrategy strategy) {
  const uint64_t copies = strategy == proto::ForkStrategy::kEager ? 2 : 1;
  return copies * bytes + bytes / 16 + 96 * kMiB;
}

absl::StatusOr<Results> RunBench(const BenchOptions& options) { return Runner(options).Run(); }

}  // namespace fv::bench
